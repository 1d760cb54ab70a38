// MODE SENSE and MODE SELECT, (6) and (10).
#include <algorithm>

#include "scsi/fields.h"
#include "scsi/mode.h"
#include "tape/device/limits.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using scsi::ModePage;
using scsi::ModeParameters;

constexpr std::uint8_t kDensityUnchanged = 0x7f;
constexpr std::uint8_t kDefaultDensity = 0x00;
constexpr std::uint8_t kAllSubpages = 0xff;
constexpr std::size_t kControlBody = 10;

scsi::EncryptionMethod method_of(KeyManagement management) {
  switch (management) {
    case KeyManagement::kApplication:
      return scsi::EncryptionMethod::kApplication;
    case KeyManagement::kLibrary:
      return scsi::EncryptionMethod::kLibrary;
    case KeyManagement::kSystem:
      return scsi::EncryptionMethod::kSystem;
    case KeyManagement::kNone:
      return scsi::EncryptionMethod::kNone;
  }
  return scsi::EncryptionMethod::kNone;
}

// Every page in ascending order, with the values that hold, or those of power-on.
std::vector<ModePage> pages_of(const DriveState& drive, scsi::PageControl control) {
  const bool compression =
      control == scsi::PageControl::kDefault ? drive.options.compression : drive.compression;
  scsi::DataCompressionPage data_compression;
  data_compression.enabled = compression;
  scsi::DeviceConfigurationPage configuration;
  configuration.compression = compression ? 1 : 0;
  return {{scsi::mode_page::kControl, Bytes(kControlBody)},
          data_compression.encode(),
          configuration.encode(),
          scsi::ReadWriteControlPage{method_of(drive.options.management)}.encode()};
}

// The bits of a page's body that MODE SELECT may change.
Bytes changeable_of(const ModePage& page) {
  Bytes mask(page.body.size());
  if (page.code == scsi::mode_page::kDataCompression) {
    mask[0] = 0x80;                                                     // DCE
    std::fill(mask.begin() + 2, mask.begin() + 6, std::uint8_t{0xff});  // the algorithm follows DCE
  }
  if (page.code == scsi::mode_page::kDeviceConfiguration) mask[12] = 0xff;
  return mask;
}

scsi::Outcome<std::vector<ModePage>> wanted_pages(const DriveState& drive, const scsi::ModeSense& cdb) {
  const bool all = cdb.page == scsi::mode_page::kAll;
  if (cdb.subpage != 0 && !(all && cdb.subpage == kAllSubpages)) return scsi::invalid_in_cdb(3);
  if (cdb.page == scsi::mode_page::kVendor) return std::vector<ModePage>{};
  std::vector<ModePage> pages;
  for (auto& page : pages_of(drive, cdb.control)) {
    if (!all && page.code != cdb.page) continue;
    if (cdb.control == scsi::PageControl::kChangeable) page.body = changeable_of(page);
    pages.push_back(std::move(page));
  }
  if (pages.empty()) return scsi::invalid_in_cdb(2, 5);
  return pages;
}

std::uint8_t density_of(const DriveState& drive) {
  return drive.cartridge ? drive.cartridge->identity().density : kDefaultDensity;
}

// What a MODE SELECT would make of the drive; nothing takes effect before all of it was found right.
struct Changes {
  std::uint8_t buffered_mode = 1;
  std::uint32_t block_length = 0;
  bool compression = true;
};

scsi::Outcome<void> take_header(const DriveState& drive, const ModeParameters& parameters, bool ten,
                                Changes& changes) {
  const std::size_t header = ten ? 8 : 4;
  if (parameters.buffered_mode > 1) return scsi::invalid_in_parameters(ten ? 3 : 2, 6);
  if (parameters.speed != 0) return scsi::invalid_in_parameters(ten ? 3 : 2, 3);
  changes.buffered_mode = parameters.buffered_mode;
  if (!parameters.descriptor) return {};
  const auto& descriptor = *parameters.descriptor;
  const bool density_known = descriptor.density == kDefaultDensity ||
                             descriptor.density == kDensityUnchanged ||
                             descriptor.density == density_of(drive);
  if (!density_known) return scsi::invalid_in_parameters(header);
  changes.block_length = descriptor.block_length;
  return {};
}

// `offset`: where the page begins in the parameter list.
scsi::Outcome<void> take_page(const std::vector<ModePage>& current, const ModePage& page, std::size_t offset,
                              Changes& changes) {
  const auto known = std::ranges::find(current, page.code, &ModePage::code);
  if (known == current.end()) return scsi::invalid_in_parameters(offset, 5);
  if (known->body.size() != page.body.size()) return scsi::invalid_in_parameters(offset + 1);
  const auto mask = changeable_of(page);
  for (std::size_t i = 0; i < page.body.size(); ++i) {
    const auto fixed = (page.body[i] ^ known->body[i]) & ~unsigned{mask[i]} & 0xffU;
    if (fixed != 0) return scsi::invalid_in_parameters(offset + 2 + i);
  }
  if (page.code == scsi::mode_page::kDataCompression) changes.compression = scsi::bit_at(page.body, 0, 7);
  if (page.code == scsi::mode_page::kDeviceConfiguration) {
    if (page.body[12] > 1) return scsi::invalid_in_parameters(offset + 2 + 12);
    changes.compression = page.body[12] == 1;
  }
  return {};
}

scsi::Outcome<Changes> changes_of(const DriveState& drive, const ModeParameters& parameters, bool ten) {
  Changes changes{drive.buffered_mode, drive.block_length, drive.compression};
  TRY(take_header(drive, parameters, ten, changes));
  std::size_t offset = (ten ? 8U : 4U) + (parameters.descriptor ? 8U : 0U);
  const auto current = pages_of(drive, scsi::PageControl::kCurrent);
  for (const auto& page : parameters.pages) {
    TRY(take_page(current, page, offset, changes));
    offset += 2 + page.body.size();
  }
  return changes;
}

}  // namespace

scsi::Outcome<scsi::Response> mode_sense(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ModeSense::decode(command.cdb));
  if (cdb.control == scsi::PageControl::kSaved) return scsi::check(codes::kSavingNotSupported);
  ModeParameters parameters{.write_protected = drive.cartridge && drive.mounted_read_only,
                            .buffered_mode = drive.buffered_mode,
                            .pages = TRY(wanted_pages(drive, cdb))};
  if (!cdb.disable_block_descriptor) parameters.descriptor = {density_of(drive), 0, drive.block_length};
  return good_cut(parameters.encode(cdb.ten), cdb.allocation_length);
}

scsi::Outcome<scsi::Response> mode_select(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ModeSelect::decode(command.cdb));
  if (cdb.save_pages) return scsi::invalid_in_cdb(1, 0);
  if (cdb.parameter_length == 0) return scsi::good();
  const auto list = TRY(parameter_list(command, cdb.parameter_length));
  const auto parameters = ModeParameters::decode(list, cdb.ten);
  if (!parameters && parameters.error().code == ErrorCode::kCorrupt)
    return scsi::check(codes::kParameterListLengthError);
  if (!parameters) return scsi::invalid_in_parameters(parameters.error().detail);
  const auto changes = TRY(changes_of(drive, *parameters, cdb.ten));
  const bool differs = changes.buffered_mode != drive.buffered_mode ||
                       changes.block_length != drive.block_length || changes.compression != drive.compression;
  drive.buffered_mode = changes.buffered_mode;
  drive.block_length = changes.block_length;
  drive.compression = changes.compression;
  if (differs) drive.attentions.tell_others(command.nexus, codes::kModeParametersChanged);
  return took(cdb.parameter_length);
}

}  // namespace tapewarden::tape
