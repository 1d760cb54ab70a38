#include "tape/library/library_spec.h"

#include <algorithm>

#include "base/text.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kMaxSerial = 32;
constexpr std::uint64_t kLastAddress = 65535;

Result<std::string> read_name(config::Section& section, const std::string& key, std::size_t limit,
                              const std::string& otherwise) {
  auto text = TRY(section.text(key, otherwise));
  if (text.empty() || text.size() > limit || !is_printable(text))
    return section.wrong(key, "write 1 to " + std::to_string(limit) + " printable characters");
  return text;
}

// "LTO 1000000001", and after it "library" when the library brings its keys, "system" when its host does.
Result<LibraryDrive> read_drive(config::Section& section, const std::string& text) {
  const auto words = split(text, ' ');
  const auto wrong = [&section] {
    return section.wrong("drives",
                         "write for each drive its kind (LTO or 3592) and its serial, and the word library "
                         "when the library brings its keys, or system when its host does, for example "
                         "\"LTO 1000000001\"");
  };
  if (words.size() != 2 && words.size() != 3) return wrong();
  LibraryDrive drive;
  if (words.size() == 3) {
    const bool by_host = equal_ignoring_case(words[2], "system");
    if (!by_host && !equal_ignoring_case(words[2], "library")) return wrong();
    drive.management = by_host ? KeyManagement::kSystem : KeyManagement::kLibrary;
  }
  if (equal_ignoring_case(words[0], to_string(MediumKind::k3592))) {
    drive.kind = MediumKind::k3592;
  } else if (!equal_ignoring_case(words[0], to_string(MediumKind::kLto))) {
    return wrong();
  }
  drive.serial = to_upper(words[1]);
  const auto plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
  const bool sized = drive.serial.size() == 10 || drive.serial.size() == 12;
  if (!sized || !std::ranges::all_of(drive.serial, plain)) return wrong();
  return drive;
}

Status read_drives(config::Section& section, LibrarySpec& spec) {
  const auto texts = TRY(section.texts("drives"));
  if (texts.empty() || texts.size() > kMaxDrives)
    return section.wrong("drives", "name 1 to " + std::to_string(kMaxDrives) + " drives");
  for (const auto& text : texts) {
    auto drive = TRY(read_drive(section, text));
    if (std::ranges::find(spec.drives, drive.serial, &LibraryDrive::serial) != spec.drives.end())
      return section.wrong("drives", "two drives have the serial " + drive.serial);
    spec.drives.push_back(std::move(drive));
  }
  return {};
}

// Rules for drives that the library brings keys to, and where it gets them.
Status read_keys(config::Section& section, LibrarySpec& spec) {
  spec.key_servers = TRY(section.path("key_servers", ""));
  for (const auto& text : TRY(section.texts("encryption"))) {
    auto rule = parse_encryption_rule(text);
    if (!rule) return section.wrong("encryption", rule.error().message + ": " + rule.error().remedy);
    spec.encryption.push_back(*std::move(rule));
  }
  const auto any = [&spec](KeyManagement management) {
    return std::ranges::find(spec.drives, management, &LibraryDrive::management) != spec.drives.end();
  };
  const bool managed = any(KeyManagement::kLibrary);
  // A drive whose host brings the answers takes those of these servers alone.
  if ((managed || any(KeyManagement::kSystem)) && spec.key_servers.empty())
    return section.wrong("key_servers", "name the engine.toml that says where the key servers are");
  if (!managed && !spec.encryption.empty())
    return section.wrong("encryption",
                         "rules are for library-managed drives: write \"library\" after a serial");
  return {};
}

Result<scsi::ElementRange> read_range(config::Section& section, const std::string& key, std::uint64_t first,
                                      std::uint64_t count) {
  const auto begin = TRY(section.number(key, 0, kLastAddress, first));
  return scsi::ElementRange{static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(count)};
}

Status read_layout(config::Section& section, LibrarySpec& spec) {
  const auto slots = TRY(section.number("slots", 1, kMaxSlots, 40));
  const auto ports = TRY(section.number("import_export_slots", 0, kMaxPorts, 4));
  const scsi::ElementAddressAssignment defaults;
  auto& layout = spec.layout;
  layout.transport = TRY(read_range(section, "transport_address", defaults.transport.first, 1));
  layout.storage = TRY(read_range(section, "slot_address", defaults.storage.first, slots));
  layout.import_export =
      TRY(read_range(section, "import_export_address", defaults.import_export.first, ports));
  layout.data_transfer =
      TRY(read_range(section, "drive_address", defaults.data_transfer.first, spec.drives.size()));
  if (const auto good = layout.check(); !good)
    return section.wrong("slots",
                         good.error().message + " (" + good.error().field + "): " + good.error().remedy);
  return {};
}

Status check_partition(config::Section& section, const LibrarySpec& spec, const LibraryPartition& partition) {
  for (const auto& serial : partition.drives)
    if (std::ranges::find(spec.drives, serial, &LibraryDrive::serial) == spec.drives.end())
      return section.wrong("partitions", "the library has no drive " + serial + ": name it in drives");
  if (partition.slots.first + partition.slots.count > spec.slots())
    return section.wrong("partitions", "the library has " + std::to_string(spec.slots()) +
                                           " slots; partition " + partition.name + " wants more");
  if (partition.ports.first + partition.ports.count > spec.ports())
    return section.wrong("partitions", "the library has " + std::to_string(spec.ports()) +
                                           " import/export slots; partition " + partition.name +
                                           " wants more");
  return {};
}

// After drives, rules and layout: partitions divide these.
Status read_partitions(config::Section& section, LibrarySpec& spec) {
  for (const auto& text : TRY(section.texts("partitions"))) {
    auto partition = parse_partition(text);
    if (!partition)
      return section.wrong("partitions", partition.error().message + ": " + partition.error().remedy);
    TRY(check_partition(section, spec, *partition));
    spec.partitions.push_back(*std::move(partition));
  }
  if (spec.partitions.size() > kMaxLibraryPartitions)
    return section.wrong("partitions",
                         "name at most " + std::to_string(kMaxLibraryPartitions) + " partitions");
  if (const auto apart = check_apart(spec.partitions); !apart)
    return section.wrong("partitions", apart.error().message);
  for (const auto& rule : spec.encryption) {
    if (!rule.partition.empty() &&
        std::ranges::find(spec.partitions, rule.partition, &LibraryPartition::name) == spec.partitions.end())
      return section.wrong("encryption", "no partition " + rule.partition + " is in partitions");
  }
  return {};
}

template <typename Fits>
const LibraryPartition* first_that(const std::vector<LibraryPartition>& partitions, Fits fits) {
  const auto found = std::ranges::find_if(partitions, fits);
  return found == partitions.end() ? nullptr : &*found;
}

}  // namespace

const LibraryPartition* LibrarySpec::partition_of_slot(std::uint32_t index) const {
  return first_that(partitions, [&](const auto& one) { return one.slots.holds(index); });
}

const LibraryPartition* LibrarySpec::partition_of_port(std::uint32_t index) const {
  return first_that(partitions, [&](const auto& one) { return one.ports.holds(index); });
}

const LibraryPartition* LibrarySpec::partition_of_drive(const std::string& drive) const {
  return first_that(partitions, [&](const auto& one) { return one.has_drive(drive); });
}

const LibraryPartition* LibrarySpec::partition_at(const Place& place) const {
  if (place.kind == PlaceKind::kSlot) return partition_of_slot(place.index);
  if (place.kind == PlaceKind::kPort) return partition_of_port(place.index);
  return place.kind == PlaceKind::kDrive ? partition_of_drive(place.drive) : nullptr;
}

const LibraryPartition* LibrarySpec::partition_of_barcode(const std::string& barcode) const {
  return first_that(partitions, [&](const auto& one) {
    return std::ranges::any_of(one.barcodes, [&](const auto& range) { return range.holds(barcode); });
  });
}

std::string changer_serial(const LibrarySpec& spec, const LibraryPartition* partition) {
  return spec.changer.serial + (partition == nullptr ? "" : "-" + partition->name);
}

Result<LibrarySpec> read_library_spec(config::Section section) {
  LibrarySpec spec;
  spec.folder = TRY(section.path("folder"));
  if (spec.folder.empty()) return section.wrong("folder", "name the folder of the cartridges");
  spec.identities = TRY(section.path("identities"));
  if (spec.identities.empty())
    return section.wrong("identities", "name the folder of the drives' identities");
  spec.changer.serial = TRY(read_name(section, "serial", kMaxSerial, ""));
  spec.changer.vendor = TRY(read_name(section, "vendor", 8, spec.changer.vendor));
  spec.changer.product = TRY(read_name(section, "product", 16, spec.changer.product));
  TRY(read_drives(section, spec));
  TRY(read_keys(section, spec));
  TRY(read_layout(section, spec));
  TRY(read_partitions(section, spec));
  TRY(section.no_others());
  return spec;
}

}  // namespace tapewarden::tape
