#include "keymgr/migration/ekm_drive_table.h"

#include <algorithm>

#include "base/text.h"
#include "eedk/eedk.h"
#include "keymgr/drive_table.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::string_view kEntry = "entry key:";
constexpr std::size_t kShownCharacters = 64;

enum class Name : std::uint8_t { kOther, kSerial, kWwnn, kLabel1, kLabel2, kKey };

struct NameRow {
  std::string_view text;  // lower case, without blanks
  Name name;
};
constexpr NameRow kNames[] = {
    {"serialnumber", Name::kSerial}, {"drivename", Name::kSerial}, {"wwn", Name::kWwnn},
    {"wwnn", Name::kWwnn},           {"wwname", Name::kWwnn},      {"worldwidename", Name::kWwnn},
    {"aliasone", Name::kLabel1},     {"rec1", Name::kLabel1},      {"aliastwo", Name::kLabel2},
    {"rec2", Name::kLabel2},         {"symalias", Name::kKey},     {"aliassym", Name::kKey},
    {"symmetricalias", Name::kKey},  {"symrec", Name::kKey}};

Name name_of(std::string_view text) {
  std::string plain = to_lower(text);
  std::erase(plain, ' ');
  const auto found = std::ranges::find(kNames, plain, &NameRow::text);
  return found != std::end(kNames) ? found->name : Name::kOther;
}

void note_fault(OldDrive& drive, const Error& error) {
  if (drive.fault.empty()) drive.fault = error.message;
}

void take_label(OldDrive& drive, std::string& label, std::string_view value) {
  const auto checked = eedk::check_label(value, "label");
  if (!checked) return note_fault(drive, checked.error());
  label = value;
}

OldDrive new_drive(std::size_t line, std::string_view value) {
  OldDrive drive;
  drive.line = line;
  auto serial = canonical_serial(value);
  drive.serial = serial ? *serial : escape_unprintable(value.substr(0, kShownCharacters));
  if (!serial) note_fault(drive, serial.error());
  return drive;
}

void take(OldDrive& drive, Name name, std::string_view value) {
  if (name == Name::kLabel1) take_label(drive, drive.label_1, value);
  if (name == Name::kLabel2) take_label(drive, drive.label_2, value);
  if (name == Name::kKey) take_label(drive, drive.key, value);
  if (name != Name::kWwnn) return;
  auto wwnn = canonical_wwnn(value);
  if (!wwnn) return note_fault(drive, wwnn.error());
  drive.wwnn = *std::move(wwnn);
}

bool is_binary(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f';
  });
}

}  // namespace

Result<std::vector<OldDrive>> read_ekm_drives(std::string_view text) {
  constexpr std::string_view kRemedy =
      "give what the old server's listdrives, or listdrives -drivename for each drive, prints";
  if (is_binary(text))
    return fail(ErrorCode::kUnsupported, "the drive table is a binary file, which is not read", "drive_table",
                std::string(kRemedy));
  std::vector<OldDrive> out;
  std::size_t number = 0;
  for (const auto& raw : split(text, '\n')) {
    ++number;
    std::string_view line = trim(raw);
    if (to_lower(line).starts_with(kEntry)) line = trim(line.substr(kEntry.size()));
    const auto sign = line.find('=');
    if (sign == std::string_view::npos) continue;
    const Name name = name_of(trim(line.substr(0, sign)));
    const auto value = trim(line.substr(sign + 1));
    if (name == Name::kOther || value.empty() || value == "null") continue;
    if (name != Name::kSerial) {
      if (!out.empty()) take(out.back(), name, value);
      continue;
    }
    if (out.size() == kMaximumOldDrives)
      return fail(ErrorCode::kExhausted, "the drive table has too many drives", "drive_table");
    out.push_back(new_drive(number, value));
  }
  if (!out.empty()) return out;
  return fail(ErrorCode::kInvalidArgument, "the drive table names no drive (SerialNumber = ...)",
              "drive_table", std::string(kRemedy));
}

}  // namespace tapewarden::keymgr
