#include "tape/library/encryption_rules.h"

#include "base/text.h"
#include "tape/library/barcode.h"

namespace tapewarden::tape {
namespace {

std::unexpected<Error> wrong(const std::string& what) {
  return fail(
      ErrorCode::kInvalidArgument, what, "encryption",
      "write for example \"VOL000L9-VOL499L9, group ARCHIVE\", \"JZ0000-JZ9999, label A, label B:hash\" or "
      "\"TMP000L9-TMP999L9, clear\"");
}

Status read_range(std::string_view text, EncryptionRule& rule) {
  if (text == "*") return {};
  auto bounds = parse_barcode_bounds(text);
  if (!bounds) return wrong(bounds.error().message);
  rule.first = std::move(bounds->first);
  rule.last = std::move(bounds->last);
  return {};
}

// What follows the word and a blank; nothing when `text` begins with another word.
std::optional<std::string> after(std::string_view text, std::string_view word) {
  if (!text.starts_with(word) || text.size() <= word.size() || text[word.size()] != ' ') return {};
  return std::string(trim(text.substr(word.size())));
}

Status read_label(std::string name, scsi::WritePolicyPage& policy) {
  scsi::KeyLabel label{.text = {}, .mode = scsi::LabelModeCode::kClear};
  if (name.ends_with(":hash")) {
    label.mode = scsi::LabelModeCode::kHash;
    name.resize(name.size() - std::string_view(":hash").size());
  }
  if (name.empty() || name.size() > scsi::key_path::kMaxLabelBytes || !is_printable(name))
    return wrong("a label has 1 to 64 printable characters");
  label.text = std::move(name);
  if (policy.labels.size() == scsi::key_path::kMaxLabels) return wrong("a rule has at most two labels");
  policy.labels.push_back(std::move(label));
  return {};
}

Status read_what(std::string_view text, scsi::WritePolicyPage& policy) {
  if (text == "clear") {
    policy.encrypt = false;
    return {};
  }
  if (auto label = after(text, "label")) return read_label(*std::move(label), policy);
  const auto group = after(text, "group");
  if (!group || !policy.alias_or_group.empty()) return wrong("not understood: " + std::string(text));
  if (group->size() > scsi::key_path::kMaxLabelBytes || !is_printable(*group))
    return wrong("a group has 1 to 64 printable characters");
  policy.alias_or_group = *group;
  return {};
}

}  // namespace

bool EncryptionRule::fits(const std::string& barcode, const std::string& in_partition) const {
  if (!partition.empty() && partition != in_partition) return false;
  return first.empty() || counts_between(first, last, barcode);
}

Result<EncryptionRule> parse_encryption_rule(std::string_view text) {
  const auto parts = split(text, ',');
  EncryptionRule rule;
  rule.policy.encrypt = true;
  std::size_t next = 0;
  if (auto partition = after(trim(parts.front()), "partition")) {
    rule.partition = to_upper(*partition);
    if (parts.size() < ++next + 1) return wrong("a range of barcodes, or *, follows the partition");
  }
  TRY(read_range(trim(parts[next]), rule));
  for (std::size_t i = next + 1; i < parts.size(); ++i) TRY(read_what(trim(parts[i]), rule.policy));
  const bool named = !rule.policy.labels.empty() || !rule.policy.alias_or_group.empty();
  if (!rule.policy.encrypt && named) return wrong("clear goes with no group and no label");
  if (!rule.policy.labels.empty() && !rule.policy.alias_or_group.empty())
    return wrong("a rule has a group (LTO) or labels (3592), not both");
  return rule;
}

scsi::WritePolicyPage policy_for(const std::vector<EncryptionRule>& rules, const std::string& barcode,
                                 const std::string& partition) {
  for (const auto& rule : rules)
    if (rule.fits(barcode, partition)) return rule.policy;
  return {.encrypt = true};
}

}  // namespace tapewarden::tape
