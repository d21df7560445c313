// Entry from a multiboot (version 1) loader, descriptor tables, interrupt
// stubs. The loader gives 32-bit protected mode without paging and interrupts
// off, eax = 0x2badb002, ebx = its information structure, and a GDT that must
// not be relied on.

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_MEMORY_INFO 2

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_MAGIC
	.long MULTIBOOT_MEMORY_INFO
	.long -(MULTIBOOT_MAGIC + MULTIBOOT_MEMORY_INFO)

	.text
	.globl entry
entry:
	cli
	cld
	movl $stack_top, %esp
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	movw $0x10, %cx
	movw %cx, %ds
	movw %cx, %es
	movw %cx, %ss
	pushl %ebx
	pushl %eax
	call guest_main

// The timer tick only ends a hlt: time is read from the TSC.
	.globl tick_entry
tick_entry:
	pushl %eax
	movb $0x20, %al
	outb %al, $0x20
	popl %eax
	iret

	.globl ignore_entry
ignore_entry:
	iret

	.globl fault_entry
fault_entry:
	cld
	movl %esp, %eax
	pushl %eax
	call fault

	.section .rodata
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff	// 0x08: code, 4 GiB
	.quad 0x00cf92000000ffff	// 0x10: data, 4 GiB
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt

// Pages of its own: nothing else outside the hot memory is written to after
// READY, and READY names them.
	.bss
	.balign 4096
	.globl stack_bottom, stack_top
stack_bottom:
	.skip 8192
stack_top:

	.section .note.GNU-stack, "", @progbits
