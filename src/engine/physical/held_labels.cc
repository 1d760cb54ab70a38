#include "engine/physical/held_labels.h"

#include <algorithm>

#include "base/text.h"
#include "eedk/eedk.h"

namespace tapewarden::engine {

using scsi::LabelModeCode;

bool HeldLabels::named() const {
  return !labels.empty() && std::ranges::all_of(labels, [](const HeldLabel& label) {
    return label.mode == LabelModeCode::kClear && !label.text.empty();
  });
}

bool HeldLabels::may_be(const std::vector<scsi::KeyLabel>& wanted) const {
  if (wanted.size() != labels.size()) return false;
  std::vector<std::string> held;
  std::vector<std::string> asked;
  for (const auto& label : labels) {
    if (label.text.empty()) return false;
    if (label.mode == LabelModeCode::kClear) held.push_back(to_upper(label.text));
  }
  for (const auto& label : wanted)
    if (label.mode == LabelModeCode::kClear) asked.push_back(to_upper(label.text));
  std::ranges::sort(held);
  std::ranges::sort(asked);
  return held == asked;
}

std::string HeldLabels::text() const {
  std::string out;
  for (const auto& label : labels)
    out += (out.empty() ? "" : ", ") + (label.text.empty() ? std::string("unknown") : label.text);
  return out.empty() ? "none" : out;
}

HeldLabels labels_of(const std::vector<Bytes>& eedks) {
  HeldLabels held;
  for (const auto& bytes : eedks) {
    const auto eedk = eedk::decode_eedk(bytes);
    if (!eedk) {
      held.labels.push_back({});
      continue;
    }
    const bool hash = eedk::mode_of(eedk->label) == eedk::LabelMode::kHash;
    held.labels.push_back(
        {hash ? LabelModeCode::kHash : LabelModeCode::kClear, eedk::to_string(eedk->label)});
  }
  return held;
}

}  // namespace tapewarden::engine
