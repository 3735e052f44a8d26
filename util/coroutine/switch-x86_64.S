/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack switch for x86_64, System V calling convention.
 *
 * A suspended stack holds, from its stack pointer upwards: mxcsr (4 bytes)
 * and the x87 control word (2, padded to 4), r15, r14, r13, r12, rbx, rbp,
 * and the address to go on at.
 *
 * Resuming jumps to that address instead of returning to it: a `ret` whose
 * target is not that of the last `call` is a certain mispredict. The file
 * carries no shadow stack mark, so that the linker never marks a program that
 * uses it as fit for hardware shadow stacks (a switch would have to switch
 * those too).
 */
    .text

    .globl switch_context
    .type switch_context, @function
    .align 16
/* rdi: SwitchContext to save into, rsi: SwitchContext to resume. */
switch_context:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    jmp *%rcx
    .cfi_endproc
    .size switch_context, . - switch_context

    .type switch_boot, @function
    .align 16
/* First code on a new stack; r12: function, r13: its argument. Marked as the
 * outermost frame for unwinders. */
switch_boot:
    .cfi_startproc
    .cfi_undefined %rip
    movq %r13, %rdi
    call *%r12
    ud2
    .cfi_endproc
    .size switch_boot, . - switch_boot

    .globl switch_prepare
    .type switch_prepare, @function
    .align 16
/* rdi: context, rsi: stack, rdx: bytes, rcx: function, r8: argument. */
switch_prepare:
    .cfi_startproc
    leaq (%rsi, %rdx), %rax
    andq $-16, %rax
    leaq switch_boot(%rip), %r9
    /* After the jump to switch_boot the stack pointer is a multiple of 16,
     * as the calling convention wants before a call. */
    movq %r9, -8(%rax)
    movq $0, -16(%rax)          /* rbp: ends frame pointer chains */
    movq $0, -24(%rax)          /* rbx */
    movq %rcx, -32(%rax)        /* r12 */
    movq %r8, -40(%rax)         /* r13 */
    movq $0, -48(%rax)          /* r14 */
    movq $0, -56(%rax)          /* r15 */
    movq $0, -64(%rax)
    stmxcsr -64(%rax)
    fnstcw -60(%rax)
    leaq -64(%rax), %rax
    movq %rax, (%rdi)
    ret
    .cfi_endproc
    .size switch_prepare, . - switch_prepare

    .section .note.GNU-stack, "", @progbits
