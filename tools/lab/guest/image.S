	.macro carry name, file
	.balign 16
	.globl migscope_\name\()_begin, migscope_\name\()_end
migscope_\name\()_begin:
	.incbin "\file"
migscope_\name\()_end:
	.endm

	.section .rodata
	carry lab_guest, LAB_GUEST_ELF
	carry lab_workload, LAB_WORKLOAD
	carry lab_init, LAB_INIT

	.section .note.GNU-stack, "", @progbits
