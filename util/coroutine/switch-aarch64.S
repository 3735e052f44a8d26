/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack switch for aarch64, AAPCS64.
 *
 * A suspended stack holds, from its stack pointer upwards: x19 to x28, x29,
 * the address to go on at, d8 to d15, FPCR, 8 bytes of padding.
 *
 * Resuming branches to that address instead of returning to it, so that the
 * return predictor stays in step with real calls. The file carries no GCS or
 * BTI mark: the linker never marks a program that uses it as fit for them.
 */
#define FRAME_BYTES 176

    .text

    .globl switch_context
    .type switch_context, %function
    .align 4
/* x0: SwitchContext to save into, x1: SwitchContext to resume. */
switch_context:
    .cfi_startproc
    sub sp, sp, #FRAME_BYTES
    .cfi_adjust_cfa_offset FRAME_BYTES
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mrs x9, fpcr
    str x9, [sp, #160]
    mov x10, sp
    str x10, [x0]
    ldr x10, [x1]
    mov sp, x10
    ldr x11, [sp, #160]
    cmp x9, x11
    b.eq 1f                     /* writing FPCR is slow: only if it differs */
    msr fpcr, x11
1:
    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x29, x16, [sp, #80]
    .cfi_restore x29
    .cfi_register x30, x16
    ldp x27, x28, [sp, #64]
    ldp x25, x26, [sp, #48]
    ldp x23, x24, [sp, #32]
    ldp x21, x22, [sp, #16]
    ldp x19, x20, [sp, #0]
    add sp, sp, #FRAME_BYTES
    .cfi_adjust_cfa_offset -FRAME_BYTES
    br x16
    .cfi_endproc
    .size switch_context, . - switch_context

    .type switch_boot, %function
    .align 4
/* First code on a new stack; x19: function, x20: its argument. Marked as the
 * outermost frame for unwinders. */
switch_boot:
    .cfi_startproc
    .cfi_undefined x30
    mov x29, #0
    mov x30, #0
    mov x0, x20
    blr x19
    brk #0
    .cfi_endproc
    .size switch_boot, . - switch_boot

    .globl switch_prepare
    .type switch_prepare, %function
    .align 4
/* x0: context, x1: stack, x2: bytes, x3: function, x4: argument. */
switch_prepare:
    .cfi_startproc
    add x9, x1, x2
    and x9, x9, #-16
    sub x9, x9, #FRAME_BYTES
    stp x3, x4, [x9, #0]
    stp xzr, xzr, [x9, #16]
    stp xzr, xzr, [x9, #32]
    stp xzr, xzr, [x9, #48]
    stp xzr, xzr, [x9, #64]
    adr x10, switch_boot
    stp xzr, x10, [x9, #80]
    stp xzr, xzr, [x9, #96]
    stp xzr, xzr, [x9, #112]
    stp xzr, xzr, [x9, #128]
    stp xzr, xzr, [x9, #144]
    mrs x10, fpcr
    stp x10, xzr, [x9, #160]
    str x9, [x0]
    ret
    .cfi_endproc
    .size switch_prepare, . - switch_prepare

    .section .note.GNU-stack, "", %progbits
