//! Pieces of assembly that several files use, as text: assembler macros would not be seen across code generation units.

/// Three bytes that `trap::patch_smap_sites` turns into CLAC (user memory forbidden) on a CPU with SMAP.
macro_rules! forbid_user_access {
    () => {
        "771: .byte 0x0f, 0x1f, 0x00\n.pushsection .ochre.smap_sites, \"a\"\n.quad 771b, 0xca\n.popsection"
    };
}

/// Three bytes that `trap::patch_smap_sites` turns into STAC (user memory allowed) on a CPU with SMAP.
macro_rules! allow_user_access {
    () => {
        "772: .byte 0x0f, 0x1f, 0x00\n.pushsection .ochre.smap_sites, \"a\"\n.quad 772b, 0xcb\n.popsection"
    };
}

/// Pushes the general registers so that a `trap::Frame` begins at the stack pointer.
macro_rules! push_registers {
    () => {
        "push rdi\npush rsi\npush rdx\npush rcx\npush rax\npush r8\npush r9\npush r10\npush r11\n\
         push rbx\npush rbp\npush r12\npush r13\npush r14\npush r15"
    };
}

/// The reverse of `push_registers`.
macro_rules! pop_registers {
    () => {
        "pop r15\npop r14\npop r13\npop r12\npop rbp\npop rbx\npop r11\npop r10\npop r9\npop r8\n\
         pop rax\npop rcx\npop rdx\npop rsi\npop rdi"
    };
}

pub(crate) use {allow_user_access, forbid_user_access, pop_registers, push_registers};
