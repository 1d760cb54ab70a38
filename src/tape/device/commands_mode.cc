// MODE SENSE and MODE SELECT, (6) and (10): header, block descriptor, and the pages of mode_pages.cc.
#include "tape/device/density.h"
#include "tape/device/mode_pages.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using scsi::ModePage;
using scsi::ModeParameters;

constexpr std::uint8_t kDensityUnchanged = 0x7f;
constexpr std::uint8_t kDefaultDensity = 0x00;

bool matches(const ModePage& page, const scsi::ModeSense& cdb) {
  const bool code = cdb.page == scsi::mode_page::kAll || page.code == cdb.page;
  const bool subpage = cdb.subpage == scsi::mode_subpage::kAll || page.subpage == cdb.subpage;
  return code && subpage;
}

scsi::Outcome<std::vector<ModePage>> wanted_pages(const DriveState& drive, const scsi::ModeSense& cdb) {
  std::vector<ModePage> pages;
  if (cdb.page == scsi::mode_page::kVendor && cdb.subpage == 0) return pages;
  bool known = false;
  for (auto& page : mode_pages_of(drive, cdb.control)) {
    known = known || page.code == cdb.page || cdb.page == scsi::mode_page::kAll;
    if (!matches(page, cdb)) continue;
    if (cdb.control == scsi::PageControl::kChangeable) page.body = changeable_bits(page);
    pages.push_back(std::move(page));
  }
  if (!known) return scsi::invalid_in_cdb(2, 5);
  if (pages.empty()) return scsi::invalid_in_cdb(3);
  return pages;
}

// The type of an LTO medium as IBM's drives have it, by which programs tell the generation and WORM.
std::uint8_t medium_type_of(const DriveState& drive) {
  if (!drive.cartridge) return 0;
  const auto identity = drive.cartridge->identity();
  const auto* density = find_density(identity.density);
  if (identity.kind != MediumKind::kLto || density == nullptr) return 0;
  return static_cast<std::uint8_t>(density->generation << 4U | (identity.worm ? 0x0cU : 0x08U));
}

// Append-only mode begins at the beginning of the medium and ends without one (SSC-4 section 4.2.17).
scsi::Outcome<void> check_write_mode(const DriveState& drive, const ModeSettings& settings) {
  if (settings.append_only == drive.append_only || !drive.cartridge) return {};
  if (!settings.append_only) return scsi::check(codes::kInvalidFieldInParameters);
  const auto position = drive.cartridge->position();
  if (position.partition != 0 || position.logical_object != 0)
    return scsi::check(codes::kPositionPastBeginning);
  return {};
}

std::uint8_t density_of(const DriveState& drive) {
  return drive.cartridge ? drive.cartridge->identity().density : kDefaultDensity;
}

scsi::Outcome<void> take_header(const DriveState& drive, const ModeParameters& parameters, bool ten,
                                ModeSettings& settings) {
  const std::size_t header = ten ? 8 : 4;
  if (parameters.buffered_mode > 1) return scsi::invalid_in_parameters(ten ? 3 : 2, 6);
  if (parameters.speed != 0) return scsi::invalid_in_parameters(ten ? 3 : 2, 3);
  settings.buffered_mode = parameters.buffered_mode;
  if (!parameters.descriptor) return {};
  const auto& descriptor = *parameters.descriptor;
  const bool density_known = descriptor.density == kDefaultDensity ||
                             descriptor.density == kDensityUnchanged ||
                             descriptor.density == density_of(drive);
  if (!density_known) return scsi::invalid_in_parameters(header);
  settings.block_length = descriptor.block_length;
  return {};
}

scsi::Outcome<ModeSettings> settings_after(const DriveState& drive, const ModeParameters& parameters,
                                           bool ten) {
  auto settings = settings_of(drive);
  TRY(take_header(drive, parameters, ten, settings));
  std::size_t offset = (ten ? 8U : 4U) + (parameters.descriptor ? 8U : 0U);
  const auto current = mode_pages_of(drive, scsi::PageControl::kCurrent);
  for (const auto& page : parameters.pages) {
    TRY(take_mode_page(current, page, offset, settings));
    offset += page.header_bytes() + page.body.size();
  }
  return settings;
}

}  // namespace

scsi::Outcome<scsi::Response> mode_sense(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ModeSense::decode(command.cdb));
  if (cdb.control == scsi::PageControl::kSaved) return scsi::check(codes::kSavingNotSupported);
  const bool defaults = cdb.control == scsi::PageControl::kDefault;
  const auto settings = defaults ? ModeSettings{} : settings_of(drive);
  ModeParameters parameters{.medium_type = medium_type_of(drive),
                            .write_protected = drive.cartridge && drive.mounted_read_only,
                            .buffered_mode = settings.buffered_mode,
                            .pages = TRY(wanted_pages(drive, cdb))};
  if (!cdb.disable_block_descriptor) parameters.descriptor = {density_of(drive), 0, settings.block_length};
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
  const auto settings = TRY(settings_after(drive, *parameters, cdb.ten));
  TRY(check_write_mode(drive, settings));
  const bool differs = settings != settings_of(drive);
  apply(drive, settings);
  if (differs) drive.attentions.tell_others(command.nexus, codes::kModeParametersChanged);
  return took(cdb.parameter_length);
}

}  // namespace tapewarden::tape
