// A UDP echo service (RFC 862), for who probes the guest.
#include "echo.h"

#include "syscalls.h"

enum { kInet = 2, kDatagram = 2, kEchoPort = 7, kMostBytes = 2048 };

struct socket_address {
  uint16_t family;
  uint8_t port[2];
  uint32_t address;
  uint8_t rest[8];
};

static _Noreturn void serve(long socket) {
  static uint8_t data[kMostBytes];
  for (;;) {
    struct socket_address peer;
    uint32_t length = sizeof peer;
    long got = system_call(kSysRecvfrom, socket, (long)data, sizeof data, 0,
                           (long)&peer, (long)&length);
    if (got >= 0)
      system_call(kSysSendto, socket, (long)data, got, 0, (long)&peer,
                  (long)length);
  }
}

void start_echo(void) {
  long socket = system_call(kSysSocket, kInet, kDatagram, 0, 0, 0, 0);
  struct socket_address any = {.family = kInet, .port = {0, kEchoPort}};
  if (socket < 0 ||
      system_call(kSysBind, socket, (long)&any, sizeof any, 0, 0, 0) < 0)
    return;
  if (system_call(kSysFork, 0, 0, 0, 0, 0, 0) == 0)
    serve(socket);
}
