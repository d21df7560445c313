#include "captures/packets/packet_file.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <pcap/pcap.h>
#include <string_view>

namespace migscope::captures {

struct PacketFile::Handle {
  std::string path;
  pcap_t* pcap = nullptr;
  LinkType link = LinkType::ethernet;
  uint64_t without_time = 0;

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (pcap)
      pcap_close(pcap);
  }
};

namespace {

std::optional<LinkType> link_type_of(int dlt) {
  switch (dlt) {
  case DLT_EN10MB:
    return LinkType::ethernet;
  case DLT_LINUX_SLL:
    return LinkType::linux_cooked;
  case DLT_LINUX_SLL2:
    return LinkType::linux_cooked_2;
  case DLT_RAW:
  case DLT_IPV4:
  case DLT_IPV6:
    return LinkType::ip;
  case DLT_NULL:
    return LinkType::null;
  case DLT_LOOP:
    return LinkType::loop;
  default:
    return std::nullopt;
  }
}

Result<pcap_t*> open_pcap(const std::string& path) {
  // Of a pipe the first reading would leave nothing for the second.
  std::error_code error;
  if (std::filesystem::exists(path, error) &&
      !std::filesystem::is_regular_file(path, error))
    return fail({ErrorKind::unsupported,
                 "expected a regular file, as it is read twice",
                 path,
                 {}});
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (!file)
    return fail_errno("open " + path, errno);
  char message[PCAP_ERRBUF_SIZE] = "";
  pcap_t* pcap = pcap_fopen_offline_with_tstamp_precision(
      file, PCAP_TSTAMP_PRECISION_NANO, message);
  if (pcap)
    return pcap; // owns the file
  std::fclose(file);
  return fail(
      {ErrorKind::malformed,
       fmt::format("expected a pcap or pcapng file; libpcap says: {}", message),
       path,
       {}});
}

Status set_filter(pcap_t* pcap, const std::string& filter) {
  bpf_program program{};
  auto refused = [&] {
    return fail(ErrorKind::usage,
                fmt::format("the filter \"{}\" makes no sense: {}", filter,
                            pcap_geterr(pcap)));
  };
  if (pcap_compile(pcap, &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN))
    return refused();
  bool set = pcap_setfilter(pcap, &program) == 0;
  pcap_freecode(&program);
  if (!set)
    return refused();
  return {};
}

// libpcap was asked for nanoseconds and gives them as tv_usec.
std::optional<WallTime> time_of(const timeval& stamp) {
  constexpr int64_t kSecond = 1'000'000'000;
  if (stamp.tv_sec < 0 || stamp.tv_sec > kMaxTimeNs / kSecond - 1 ||
      stamp.tv_usec < 0 || stamp.tv_usec >= kSecond)
    return std::nullopt;
  return WallTime{stamp.tv_sec * kSecond + stamp.tv_usec};
}

} // namespace

PacketFile::PacketFile(std::unique_ptr<Handle> handle)
    : handle_(std::move(handle)) {}
PacketFile::~PacketFile() = default;
PacketFile::PacketFile(PacketFile&&) noexcept = default;
PacketFile& PacketFile::operator=(PacketFile&&) noexcept = default;

Result<PacketFile> PacketFile::open(const std::string& path,
                                    const std::string& filter) {
  auto handle = std::make_unique<Handle>();
  handle->path = path;
  auto pcap = open_pcap(path);
  if (!pcap)
    return fail(pcap.error());
  handle->pcap = *pcap;
  int dlt = pcap_datalink(*pcap);
  auto link = link_type_of(dlt);
  if (!link) {
    const char* name = pcap_datalink_val_to_name(dlt);
    return fail({ErrorKind::unsupported,
                 fmt::format("its link type is {} ({}): expected EN10MB, "
                             "LINUX_SLL, LINUX_SLL2, RAW, IPV4, IPV6, NULL or "
                             "LOOP",
                             name ? name : "unknown", dlt),
                 path,
                 {}});
  }
  handle->link = *link;
  if (!filter.empty())
    if (auto set = set_filter(*pcap, filter); !set)
      return fail(set.error());
  return PacketFile(std::move(handle));
}

Result<std::optional<Packet>> PacketFile::next() {
  for (;;) {
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    int status = pcap_next_ex(handle_->pcap, &header, &bytes);
    if (status == PCAP_ERROR_BREAK)
      return std::nullopt;
    if (status != 1) {
      std::string_view why = pcap_geterr(handle_->pcap);
      bool cut = why.starts_with("truncated");
      return fail({cut ? ErrorKind::truncated : ErrorKind::malformed,
                   fmt::format("{}; libpcap says: {}",
                               cut ? "the file ends inside of a packet"
                                   : "it cannot be read on",
                               why),
                   handle_->path,
                   {}});
    }
    auto time = time_of(header->ts);
    if (!time) {
      ++handle_->without_time;
      continue;
    }
    return Packet{*time,
                  {reinterpret_cast<const std::byte*>(bytes), header->caplen},
                  header->len};
  }
}

LinkType PacketFile::link_type() const {
  return handle_->link;
}
uint64_t PacketFile::without_time() const {
  return handle_->without_time;
}

} // namespace migscope::captures
