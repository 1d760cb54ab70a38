#include "tape/library/back_end_spec.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kMaxName = 32;
constexpr std::size_t kMaxSerial = 32;
constexpr std::uint64_t kLastAddress = 65535;
constexpr std::size_t kMaxInitiator = 223;  // RFC 7143 section 4.2.7.1

constexpr std::array kKinds{BackEndKind::kVirtual, BackEndKind::kIscsi, BackEndKind::kScsi};

Result<BackEndKind> read_kind(config::Section& section) {
  const auto text = TRY(section.text("kind"));
  for (const auto kind : kKinds)
    if (text == to_string(kind)) return kind;
  return section.wrong("kind", "write virtual, iscsi or scsi");
}

Result<std::string> read_name(config::Section& section) {
  auto name = TRY(section.text("name"));
  if (name.empty() || name.size() > kMaxName || !is_printable(name))
    return section.wrong("name", "write 1 to " + std::to_string(kMaxName) + " printable characters");
  return name;
}

Result<BackEndSpec> read_virtual(config::Section section, BackEndSpec spec) {
  spec.cartridge_bytes = TRY(
      section.size("cartridge_size", kSmallestBackEndCartridge, kMaxCapacityBytes, kDefaultBackEndCartridge));
  // What is for libraries of hosts is asked for here, so that its error says why it is not for this one.
  if (!TRY(section.texts("partitions")).empty())
    return section.wrong("partitions", "leave it out: partitions are for hosts, who do not see this library");
  if (!TRY(section.text("key_servers", "")).empty())
    return section.wrong("key_servers", "name the key servers once, in engine.key_servers");
  for (const auto& text : TRY(section.texts("drives")))
    if (split(text, ' ').size() > 2)
      return section.wrong("drives", "write kind and serial alone: the engine brings the keys of its drives");
  spec.library = TRY(read_library_spec(std::move(section)));
  return spec;
}

bool is_device(BackEndKind kind, std::string_view text) {
  return text.starts_with(kind == BackEndKind::kIscsi ? "iscsi://" : "/dev/") && is_printable(text) &&
         text.find(' ') == std::string_view::npos;
}

Result<MediumKind> read_media(config::Section& section) {
  const auto text = TRY(section.text("media", std::string(to_string(MediumKind::kLto))));
  for (const auto kind : {MediumKind::kLto, MediumKind::k3592})
    if (equal_ignoring_case(text, to_string(kind))) return kind;
  return section.wrong("media", "write LTO or 3592: what its drives take");
}

// "SERIAL DEVICE" or "SERIAL DEVICE ELEMENT".
Result<OutsideDrive> read_outside_drive(config::Section& section, BackEndKind kind, const std::string& text) {
  const auto words = split(text, ' ');
  const std::string example = kind == BackEndKind::kIscsi ? "iscsi://host/target-name/1" : "/dev/sg4";
  const auto wrong = [&] {
    return section.wrong("drives",
                         "write for each drive its serial and where it is, and behind them the "
                         "address of its element where the library does not tell it: \"0000123456 " +
                             example + "\" or \"0000123456 " + example + " 256\"");
  };
  if ((words.size() != 2 && words.size() != 3) || words[0].empty() || words[0].size() > kMaxSerial ||
      !is_device(kind, words[1]))
    return wrong();
  OutsideDrive drive{.serial = words[0], .device = words[1]};
  if (words.size() == 3) {
    const auto element = parse_number(words[2], 0, kLastAddress, "drives");
    if (!element) return wrong();
    drive.element = static_cast<std::uint16_t>(*element);
  }
  return drive;
}

Result<BackEndSpec> read_outside(config::Section section, BackEndSpec spec) {
  spec.changer = TRY(section.text("changer"));
  if (!is_device(spec.kind, spec.changer))
    return section.wrong("changer", spec.kind == BackEndKind::kIscsi
                                        ? "write iscsi://[user@]host[:port]/target-name/lun"
                                        : "write the changer's SCSI device, such as /dev/sg3");
  spec.media = TRY(read_media(section));
  const auto texts = TRY(section.texts("drives"));
  if (texts.empty()) return section.wrong("drives", "name the drives that are the engine's");
  for (const auto& text : texts) spec.drives.push_back(TRY(read_outside_drive(section, spec.kind, text)));
  if (spec.kind == BackEndKind::kIscsi) {
    spec.initiator = TRY(section.text("initiator", ""));
    if (spec.initiator.size() > kMaxInitiator)
      return section.wrong("initiator", "write a name such as iqn.2026-11.internal.tapewarden:engine");
    spec.secret_file = TRY(section.path("secret_file", ""));
  }
  TRY(section.no_others());
  return spec;
}

// What no two libraries may share.
Status check_apart(config::Section& engine, const std::vector<BackEndSpec>& specs) {
  std::set<std::string> names;
  std::set<std::string> folders;
  std::set<std::string> serials;
  for (const auto& spec : specs) {
    if (!names.insert(spec.name).second)
      return engine.wrong("back_end", "two libraries are called " + spec.name + ": rename one");
    if (spec.kind == BackEndKind::kVirtual && !folders.insert(spec.library.folder).second)
      return engine.wrong("back_end", "two libraries have the folder " + spec.library.folder);
    for (const auto& serial : spec.serials())
      if (!serials.insert(serial).second)
        return engine.wrong("back_end", "two drives have the serial " + serial);
  }
  return {};
}

}  // namespace

std::string_view to_string(BackEndKind kind) {
  switch (kind) {
    case BackEndKind::kIscsi:
      return "iscsi";
    case BackEndKind::kScsi:
      return "scsi";
    case BackEndKind::kVirtual:
      break;
  }
  return "virtual";
}

std::vector<std::string> BackEndSpec::serials() const {
  std::vector<std::string> out;
  for (const auto& drive : library.drives) out.push_back(drive.serial);
  for (const auto& drive : drives) out.push_back(drive.serial);
  return out;
}

Result<std::vector<BackEndSpec>> read_back_ends(config::Section& engine) {
  std::vector<BackEndSpec> specs;
  for (auto& section : TRY(engine.sections("back_end"))) {
    BackEndSpec spec;
    spec.section = "engine.back_end[" + std::to_string(specs.size() + 1) + "]";
    spec.kind = TRY(read_kind(section));
    spec.name = TRY(read_name(section));
    specs.push_back(TRY(spec.kind == BackEndKind::kVirtual ? read_virtual(std::move(section), spec)
                                                           : read_outside(std::move(section), spec)));
  }
  TRY(check_apart(engine, specs));
  return specs;
}

}  // namespace tapewarden::tape
