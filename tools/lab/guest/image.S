	.section .rodata
	.balign 16
	.globl migscope_lab_guest_begin, migscope_lab_guest_end
migscope_lab_guest_begin:
	.incbin LAB_GUEST_ELF
migscope_lab_guest_end:

	.section .note.GNU-stack, "", @progbits
