#include "captures/containers/unwrap.h"

#include "captures/codec/inflater.h"
#include "captures/containers/decompressed.h"
#include "captures/containers/libvirt_save.h"
#include "captures/containers/peeked.h"
#include "captures/stream/limits.h"
#include "captures/stream/stream_start.h"

#include <fmt/format.h>

namespace migscope::captures {
namespace {

using Source = std::unique_ptr<ByteSource>;

// Where a layer's bytes are, for messages: the first is the file itself.
std::string place(const std::string& name, int layer) {
  return layer == 0 ? name : name + " (unpacked)";
}

tl::unexpected<Error> fail_in(const std::string& where, Error error) {
  error.where = where;
  return fail(std::move(error));
}

// Null where this program has none for it.
std::unique_ptr<Inflater> inflater_of(SaveFormat format) {
  switch (format) {
  case SaveFormat::gzip:
    return gzip_inflater();
  case SaveFormat::xz:
    return xz_inflater();
  case SaveFormat::zstd:
    return zstd_inflater();
  default:
    return nullptr;
  }
}

Result<Source> open_payload(std::unique_ptr<PeekedSource> image,
                            const SaveHeader& header,
                            const std::string& where) {
  if (header.format == SaveFormat::raw || header.format == SaveFormat::sparse)
    return image;
  if (auto inflater = inflater_of(header.format))
    return decompressed_source(std::move(image), std::move(inflater), where);
  auto program = to_string(header.format);
  return fail({ErrorKind::unsupported,
               fmt::format("the save image is compressed with {0}, which is "
                           "not read; unpack the stream with: tail -c +{1} "
                           "IMAGE | {0} -dc >STREAM",
                           program, header.stream_offset + 1),
               where, header.stream_offset});
}

Result<Source> open_save_image(std::unique_ptr<PeekedSource> image,
                               const std::string& where) {
  auto header = parse_save_header(image->peek(kSaveHeaderBytes));
  if (!header)
    return fail_in(where, header.error());
  if (Status ok = image->drop(header->stream_offset); !ok)
    return fail_in(where, ok.error());
  if (!header->complete)
    image->remark({ErrorKind::truncated,
                   "libvirt did not finish this save image (its magic is "
                   "LibvirtQemudPart)",
                   where, uint64_t{0}});
  return open_payload(std::move(image), *header, where);
}

} // namespace

Result<Source> unwrap(Source source, const std::string& name) {
  for (int layer = 0; layer <= limits::kMaxLayers; ++layer) {
    std::string where = place(name, layer);
    auto peeked = std::make_unique<PeekedSource>(std::move(source));
    Result<Source> inner;
    switch (classify_start(peeked->peek(kStartBytes))) {
    case StreamStart::gzip:
      inner = decompressed_source(std::move(peeked), gzip_inflater(), where);
      break;
    case StreamStart::xz:
      inner = decompressed_source(std::move(peeked), xz_inflater(), where);
      break;
    case StreamStart::zstd:
      inner = decompressed_source(std::move(peeked), zstd_inflater(), where);
      break;
    case StreamStart::libvirt_save:
      inner = open_save_image(std::move(peeked), where);
      break;
    case StreamStart::qcow2:
      return fail({ErrorKind::unsupported,
                   "a qcow2 image is read from a file, not out of a pipe or "
                   "compressed data; store it as a file of its own",
                   where,
                   {}});
    default:
      return peeked;
    }
    if (!inner)
      return inner;
    source = std::move(*inner);
  }
  return fail({ErrorKind::unsupported,
               fmt::format("expected at most {} layers of compression and "
                           "headers around a stream, found more; unpack it",
                           limits::kMaxLayers),
               name,
               {}});
}

} // namespace migscope::captures
