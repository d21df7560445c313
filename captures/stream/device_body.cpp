#include "captures/stream/device_body.h"

#include "captures/stream/limits.h"
#include "captures/stream/resync.h"

#include <fmt/format.h>
#include <utility>

namespace migscope::captures {

DeviceBody::DeviceBody(const std::optional<Description>& description)
    : described_(description.has_value()) {
  if (!description)
    return;
  for (const DescribedDevice& device : description->devices)
    sizes_.try_emplace({device.name, device.instance_id}, device.body_bytes);
}

void DeviceBody::begin(const SectionHeader& section) {
  id_ = section.id;
  scan_.begin(id_);
  problem_.reset();
  extent_ = BodyExtent::footer_scan;
  if (!described_)
    return;
  auto at = sizes_.find({section.idstr, section.instance_id});
  if (at == sizes_.end()) {
    problem_ = describe(section) + " is not in the description; its end is "
                                   "found by its footer";
  } else if (at->second > limits::kMaxDeviceBytes) {
    problem_ =
        fmt::format("{}: the description says {} bytes, above {}; its "
                    "end is found by its footer",
                    describe(section), at->second, limits::kMaxDeviceBytes);
  } else {
    size_ = at->second;
    extent_ = BodyExtent::description;
  }
}

std::optional<std::string> DeviceBody::take_problem() {
  return std::exchange(problem_, std::nullopt);
}

Result<Step> DeviceBody::find_end(const Window& in, Footers footers,
                                  const SectionContext& context) {
  if (extent_ == BodyExtent::footer_scan)
    return scan(in, footers, context);
  Judgement judged = judge_described(in, footers, context);
  if (judged.verdict == Verdict::open)
    return Step{0, judged.need};
  if (judged.verdict == Verdict::yes)
    return Step{size_, 0, true};
  problem_ = fmt::format("the description says {} bytes, but no section ends "
                         "there; the end is found by the footer",
                         size_);
  extent_ = BodyExtent::footer_scan;
  return scan(in, footers, context);
}

// Whether the section ends where the description says.
Judgement DeviceBody::judge_described(const Window& in, Footers footers,
                                      const SectionContext& context) const {
  if (in.bytes.size() < size_)
    return in.tail == Tail::package ? Judgement{}
                                    : Judgement{Verdict::open, size_};
  if (footers != Footers::absent) {
    Judgement footer = judge_footer(in, size_, id_);
    if (footer.verdict != Verdict::no)
      return footer;
  }
  Judgement next;
  if (footers != Footers::present)
    next = judge_next(in, size_, context);
  // Perhaps it is the footer alone that is broken.
  if (next.verdict == Verdict::no && footers != Footers::absent)
    next = judge_item(in, size_ + kFooterBytes, context);
  return next;
}

Result<Step> DeviceBody::scan(const Window& in, Footers footers,
                              const SectionContext& context) {
  if (footers == Footers::absent)
    return unsupported(in.offset,
                       "the body's size is told neither by a footer, as this "
                       "stream has none, nor by a description");
  return scan_.find(in, context);
}

} // namespace migscope::captures
