#include "tape/library/partitions.h"

#include <algorithm>

#include "base/text.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kMaxName = 12;

std::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorCode::kInvalidArgument, what, "partitions",
              "write for example \"ARCHIVE, drives 1000000001 1000000002, slots 1-20, "
              "import_export_slots 1-2, barcodes VOL000L9-VOL499L9\"");
}

Result<std::string> read_name(std::string_view text) {
  auto name = to_upper(text);
  const auto plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-'; };
  if (name.empty() || name.size() > kMaxName || !std::ranges::all_of(name, plain))
    return wrong("a partition's name has 1 to 12 letters, digits or hyphens");
  return name;
}

// "1-20" or "7".
Result<SlotRange> read_slots(const std::vector<std::string>& words, std::uint32_t limit) {
  const auto ends = words.size() == 1 ? split(words.front(), '-') : std::vector<std::string>();
  if (ends.empty() || ends.size() > 2) return wrong("slots are one range, FIRST-LAST");
  const auto first = parse_number(ends.front(), 1, limit, "partitions");
  const auto last = parse_number(ends.back(), 1, limit, "partitions");
  if (!first || !last || *last < *first) return wrong("this is no range of slots: " + words.front());
  return SlotRange{static_cast<std::uint32_t>(*first - 1), static_cast<std::uint32_t>(*last - *first + 1)};
}

Status read_part(const std::string& what, const std::vector<std::string>& words,
                 LibraryPartition& partition) {
  if (what == "drives") {
    for (const auto& word : words) partition.drives.push_back(to_upper(word));
    return {};
  }
  if (what == "slots") {
    partition.slots = TRY(read_slots(words, kMaxSlots));
    return {};
  }
  if (what == "import_export_slots") {
    partition.ports = TRY(read_slots(words, kMaxPorts));
    return {};
  }
  if (what != "barcodes") return wrong("not understood: " + what);
  for (const auto& word : words) {
    auto range = parse_barcode_bounds(word);
    if (!range) return wrong(range.error().message);
    partition.barcodes.push_back(*std::move(range));
  }
  return {};
}

bool overlap(const SlotRange& a, const SlotRange& b) {
  return a.count != 0 && b.count != 0 && (a.holds(b.first) || b.holds(a.first));
}

// What both have; empty: nothing.
std::string shared(const LibraryPartition& a, const LibraryPartition& b) {
  if (a.name == b.name) return "the name";
  for (const auto& drive : a.drives)
    if (b.has_drive(drive)) return "drive " + drive;
  if (overlap(a.slots, b.slots)) return "slots";
  if (overlap(a.ports, b.ports)) return "import/export slots";
  for (const auto& range : a.barcodes)
    for (const auto& other : b.barcodes)
      if (overlap(range, other))
        return "barcodes of " + range.first + "-" + range.last + " and " + other.first + "-" + other.last;
  return "";
}

}  // namespace

bool LibraryPartition::has_drive(const std::string& serial) const {
  return std::ranges::find(drives, serial) != drives.end();
}

Result<LibraryPartition> parse_partition(std::string_view text) {
  const auto parts = split(text, ',');
  LibraryPartition partition;
  partition.name = TRY(read_name(trim(parts.front())));
  std::vector<std::string> seen;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    auto words = split(trim(parts[i]), ' ');
    std::erase(words, "");
    if (words.size() < 2) return wrong("not understood: " + std::string(trim(parts[i])));
    const auto what = words.front();
    if (std::ranges::find(seen, what) != seen.end()) return wrong(what + " stand there twice");
    seen.push_back(what);
    words.erase(words.begin());
    TRY(read_part(what, words, partition));
  }
  if (partition.drives.empty() || partition.slots.count == 0)
    return wrong("partition " + partition.name + " needs a drive and a slot");
  for (auto drive = partition.drives.begin(); drive != partition.drives.end(); ++drive)
    if (std::find(std::next(drive), partition.drives.end(), *drive) != partition.drives.end())
      return wrong("drive " + *drive + " stands there twice");
  return partition;
}

Status check_apart(const std::vector<LibraryPartition>& partitions) {
  for (auto a = partitions.begin(); a != partitions.end(); ++a) {
    for (auto b = std::next(a); b != partitions.end(); ++b) {
      if (const auto what = shared(*a, *b); !what.empty())
        return wrong("partitions " + a->name + " and " + b->name + " share " + what);
    }
  }
  return {};
}

}  // namespace tapewarden::tape
