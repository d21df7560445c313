// Linux's system calls on 32-bit x86, without a C library
// (arch/x86/entry/syscalls/syscall_32.tbl).
#pragma once

#include <stdint.h>

enum {
  kSysExit = 1,
  kSysFork = 2,
  kSysPause = 29,
  kSysIopl = 110,
  kSysMlockAll = 152,
  kSysNanosleep = 162,
  kSysMmap2 = 192,
  kSysClockGettime = 265,
  kSysSocket = 359,
  kSysBind = 361,
  kSysSendto = 369,
  kSysRecvfrom = 371,
};

// Below 0: an error.
static inline long system_call(long number, long a, long b, long c, long d,
                               long e, long f) {
  long result;
  // ebp is the sixth argument's, and gcc's own. Where that argument stands may
  // be told by esp, so it is read before anything else is pushed.
  __asm__ volatile("push %[sixth]\n\t"
                   "push %%ebp\n\t"
                   "mov 4(%%esp), %%ebp\n\t"
                   "int $0x80\n\t"
                   "pop %%ebp\n\t"
                   "add $4, %%esp"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d),
                     "D"(e), [sixth] "m"(f)
                   : "memory");
  return result;
}
