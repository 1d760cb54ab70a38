// LOG SENSE and LOG SELECT (SPC-4 sections 6.5 and 6.6).
#include "scsi/tape_cdb.h"
#include "tape/device/log_pages.h"

namespace tapewarden::tape {

namespace codes = scsi::sense_codes;

scsi::Outcome<scsi::Response> log_sense(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::LogSense::decode(command.cdb));
  constexpr std::uint8_t kAllSubpages = 0xff;
  const bool list = cdb.page == scsi::log_page::kSupported;
  if (list && cdb.subpage == kAllSubpages)
    return good_cut(scsi::encode_supported_log_subpages(supported_log_pages()), cdb.allocation_length);
  if (cdb.subpage != 0) return scsi::invalid_in_cdb(3);
  if (list) return good_cut(scsi::encode_supported_log_pages(supported_log_pages()), cdb.allocation_length);
  auto page = TRY(log_page_of(drive, command.nexus, cdb.page));
  std::erase_if(page.parameters, [&cdb](const auto& p) { return p.code < cdb.parameter_pointer; });
  return good_cut(page.encode(), cdb.allocation_length);
}

// Counters can be set back, all together; no parameter can be set to a value.
scsi::Outcome<scsi::Response> log_select(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::LogSelect::decode(command.cdb));
  constexpr std::uint8_t kDefaultCumulative = 3;
  if (cdb.save_parameters) return scsi::invalid_in_cdb(1, 0);
  if (cdb.page != 0) return scsi::invalid_in_cdb(2, 5);
  if (cdb.subpage != 0) return scsi::invalid_in_cdb(3);
  if (cdb.parameter_length != 0) {
    if (cdb.reset_parameters) return scsi::invalid_in_cdb(1, 1);
    (void)TRY(parameter_list(command, cdb.parameter_length));
    return scsi::invalid_in_parameters(0);
  }
  if (!cdb.reset_parameters && cdb.control != kDefaultCumulative) return scsi::good();
  drive.counters.set_back(drive.cartridge.get());
  drive.attentions.tell_others(command.nexus, codes::kLogParametersChanged);
  return scsi::good();
}

}  // namespace tapewarden::tape
