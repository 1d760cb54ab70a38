// MODE SENSE and MODE SELECT, (6) and (10), of a changer. Nothing of it can be changed: MODE SELECT takes
// what holds already and refuses everything else.
#include "scsi/changer_mode.h"

#include <algorithm>

#include "scsi/mode.h"
#include "tape/device/changer_state.h"
#include "tape/device/drive_state.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using scsi::ModePage;

constexpr std::uint8_t kAllSubpages = 0xff;

std::vector<ModePage> pages_of(const Changer::State& changer) {
  return {changer.robot.layout().encode(), scsi::encode_transport_geometry(),
          scsi::encode_device_capabilities()};
}

scsi::Outcome<std::vector<ModePage>> wanted_pages(const Changer::State& changer, const scsi::ModeSense& cdb) {
  const bool all = cdb.page == scsi::mode_page::kAll;
  if (cdb.subpage != 0 && !(all && cdb.subpage == kAllSubpages)) return scsi::invalid_in_cdb(3);
  std::vector<ModePage> pages;
  for (auto& page : pages_of(changer)) {
    if (!all && page.code != cdb.page) continue;
    if (cdb.control == scsi::PageControl::kChangeable) std::ranges::fill(page.body, std::uint8_t{0});
    pages.push_back(std::move(page));
  }
  if (pages.empty()) return scsi::invalid_in_cdb(2, 5);
  return pages;
}

// `offset`: where the page begins in the parameter list.
scsi::Outcome<void> check_page(const std::vector<ModePage>& current, const ModePage& page,
                               std::size_t offset) {
  const auto known = std::ranges::find(current, page.code, &ModePage::code);
  if (known == current.end()) return scsi::invalid_in_parameters(offset, 5);
  if (known->body.size() != page.body.size()) return scsi::invalid_in_parameters(offset + 1);
  const auto differs = std::ranges::mismatch(known->body, page.body).in1 - known->body.begin();
  if (static_cast<std::size_t>(differs) != page.body.size())
    return scsi::invalid_in_parameters(offset + 2 + static_cast<std::size_t>(differs));
  return {};
}

}  // namespace

scsi::Outcome<scsi::Response> changer_mode_sense(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ModeSense::decode(command.cdb));
  if (cdb.control == scsi::PageControl::kSaved) return scsi::check(codes::kSavingNotSupported);
  const scsi::ModeParameters parameters{.buffered_mode = 0, .pages = TRY(wanted_pages(changer, cdb))};
  return good_cut(parameters.encode(cdb.ten), cdb.allocation_length);
}

scsi::Outcome<scsi::Response> changer_mode_select(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ModeSelect::decode(command.cdb));
  if (cdb.save_pages) return scsi::invalid_in_cdb(1, 0);
  if (cdb.parameter_length == 0) return scsi::good();
  const auto list = TRY(parameter_list(command, cdb.parameter_length));
  const auto parameters = scsi::ModeParameters::decode(list, cdb.ten);
  if (!parameters && parameters.error().code == ErrorCode::kCorrupt)
    return scsi::check(codes::kParameterListLengthError);
  if (!parameters) return scsi::invalid_in_parameters(parameters.error().detail);
  if (parameters->descriptor) return scsi::invalid_in_parameters(cdb.ten ? 7 : 3);
  if (parameters->buffered_mode != 0 || parameters->speed != 0)
    return scsi::invalid_in_parameters(cdb.ten ? 3 : 2);
  std::size_t offset = cdb.ten ? 8 : 4;
  const auto current = pages_of(changer);
  for (const auto& page : parameters->pages) {
    TRY(check_page(current, page, offset));
    offset += 2 + page.body.size();
  }
  return took(cdb.parameter_length);
}

}  // namespace tapewarden::tape
