#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-nbd and its clients in scripts: texts, sockets, names of peers."""

from lib import case, shell_diff

# A list of exports is no client that would end a server.
IMAGES = shell_diff.END + shell_diff.IMAGES

# A server's and a client's certificate, and the name in the client's.
CERTIFICATES = IMAGES + '''
exec 2>/dev/null
mkdir ca srv cli
certtool --generate-privkey --key-type ecdsa --outfile key
cat >ca.info <<'X'
cn = CA
ca
cert_signing_key
X
cat >srv.info <<'X'
cn = localhost
dns_name = localhost
tls_www_server
signing_key
X
cat >cli.info <<'X'
country = US
locality = some where
organization = cli
cn = localhost
tls_www_client
signing_key
X
certtool --generate-self-signed --load-privkey key --template ca.info --outfile ca/ca-cert.pem
sign() {
    certtool --generate-certificate --load-ca-privkey key --load-ca-certificate ca/ca-cert.pem --load-privkey key --template $1.info --outfile $1/$2-cert.pem
    cp key $1/$2-key.pem
    cp ca/ca-cert.pem $1
}
sign srv server
sign cli client
cat >try <<'X'
qemu-nbd --fork --pid-file p -t -f raw -k $PWD/s --object tls-creds-x509,id=t,endpoint=server,dir=srv --tls-creds t --object "authz-simple,id=a,identity=$1" --tls-authz a r.img
qemu-img info --object tls-creds-x509,id=t,endpoint=client,dir=cli --image-opts driver=nbd,server.type=unix,server.path=s,tls-creds=t,tls-hostname=localhost >/dev/null 2>&1 && echo served || echo denied
bash end p
X
'''


class Nbd(shell_diff.ShellDiff):

    setup = IMAGES

    def test_guessed(self):
        """An image that only looks raw takes whole sectors."""
        self.table('''
            qemu-nbd --fork --pid-file p -k $PWD/s r.img; qemu-nbd -L -k $PWD/s; bash end p
            qemu-nbd --fork --pid-file p -f raw -k $PWD/s r.img; qemu-nbd -L -k $PWD/s; bash end p
        ''')

    def test_no_export(self):
        """Of a long name the server tells the beginning."""
        self.table('''
            qemu-nbd --fork -t --pid-file p -f raw -x name -k $PWD/s r.img; for n in 79 80 300; do x=$(printf 'x%.0s' $(seq $n)); qemu-img info --image-opts driver=nbd,server.type=unix,server.path=s,export=$x; done; bash end p
        ''')

    def test_socket(self):
        """A new server takes the place of an old one, and of an empty file."""
        self.table('''
            qemu-nbd -t --fork --pid-file p -f raw -k $PWD/s r.img; qemu-nbd -t --fork --pid-file p2 -f qcow2 -x second -k $PWD/s q.img; qemu-nbd -L -k $PWD/s; bash end p p2
            touch s; qemu-nbd --fork --pid-file p -f qcow2 -k $PWD/s q.img; echo $?; qemu-nbd -L -k $PWD/s; bash end p
            mkdir s; qemu-nbd --fork -f qcow2 -k $PWD/s q.img 2>&1 | sed "s,$PWD,,"
        ''')

    def test_server(self):
        self.table('''
            for j in "{'type':'unix'}" "{'type':'inet'}" "{'type':'inet','host':'x'}" "{}" "{'path':'s'}" "{'type':'unix','path':'s','host':'h'}" "{'type':'x'}"; do qemu-img info "json:{'driver':'nbd','server':$j}"; qemu-img info "json:{'driver':'raw','file':{'driver':'nbd','server':$j}}"; done
        ''')


class Identity(shell_diff.ShellDiff):

    setup = CERTIFICATES

    def test_order(self):
        """The parts of a name are in the order of the certificate."""
        self.table('''
            bash try "C=US,,L=some where,,O=cli,,CN=localhost"
            bash try "CN=localhost,,O=cli,,L=some where,,C=US"
            bash try "CN=localhost"
        ''')


if __name__ == '__main__':
    case.main()
