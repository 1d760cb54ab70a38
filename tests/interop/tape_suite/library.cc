#include "library.h"

#include <set>

#include "scsi/inquiry.h"
#include "words.h"

namespace tapewarden::suite {
namespace {

constexpr std::size_t kRoom = 4096;  // tgt takes no more than a page of memory
constexpr std::uint16_t kLunMask = 0x3fff;
constexpr unsigned kFirstSlot = 1;
constexpr unsigned kNoLun = 100;
constexpr std::size_t kMaxRepeats = 1024;

bool is_ready(const Answer& answer) {
  return answer.status == scsi::ScsiStatus::kGood;
}

}  // namespace

Result<std::unique_ptr<Library>> Library::open(const testing::LibraryTarget& target) {
  std::unique_ptr<Library> library(new Library(target));
  TRY(library->connect());
  TRY(library->find_units());
  TRY(library->find_elements());
  library->home_ = TRY(library->inventory());
  return library;
}

unsigned Library::lun(Unit unit) const {
  return unit == Unit::kNone ? kNoLun : luns_.at(unit);
}

Status Library::connect() {
  host_ = TRY(Host::connect(target_, "iqn.2026-01.example.initiator:first"));
  other_host_ = TRY(Host::connect(target_, "iqn.2026-01.example.initiator:second"));
  return {};
}

Status Library::find_units() {
  const auto list =
      TRY(host_->run_past_attentions(0, scsi::ReportLuns{.allocation_length = kRoom}.encode(), kRoom));
  ByteReader reader(list.data);
  const auto bytes = TRY(reader.u32("length of the list"));
  TRY(reader.skip(4, "reserved"));
  std::vector<unsigned> drives;
  for (std::uint32_t i = 0; i < bytes / 8; ++i) {
    const unsigned lun = TRY(reader.u16("unit")) & kLunMask;
    TRY(reader.skip(6, "rest of a unit"));
    const auto answer =
        TRY(host_->run_past_attentions(lun, scsi::Inquiry{.allocation_length = 96}.encode(), 96));
    const auto type = answer.data.empty() ? 0x1f : answer.data[0] & 0x1f;
    if (type == scsi::kChangerDeviceType) luns_[Unit::kChanger] = lun;
    if (type == scsi::kTapeDeviceType) drives.push_back(lun);
  }
  if (drives.size() != 2 || luns_.size() != 1)
    return fail(ErrorCode::kCorrupt, "not one changer and two drives");
  luns_[Unit::kDrive] = drives[0];
  luns_[Unit::kSecondDrive] = drives[1];
  return {};
}

Status Library::find_elements() {
  const scsi::ModeSense cdb{.page = scsi::mode_page::kElementAddressAssignment, .allocation_length = 255};
  const auto answer = TRY(host_->run_past_attentions(lun(Unit::kChanger), cdb.encode(), 255));
  const auto parameters = TRY(scsi::ModeParameters::decode(answer.data, false));
  const auto* page = parameters.find(scsi::mode_page::kElementAddressAssignment);
  if (page == nullptr) return fail(ErrorCode::kCorrupt, "no element address assignment page");
  places_.elements = TRY(scsi::ElementAddressAssignment::decode(*page));
  return {};
}

Status Library::must(unsigned lun, const Bytes& cdb, const Bytes& out) {
  const auto answer = TRY(host_->run_past_attentions(lun, cdb, 0, out));
  if (is_ready(answer)) return {};
  return fail(ErrorCode::kConflict, "command " + to_hex(ByteView(cdb).first(1)) + ": " + answer.sense.text());
}

// Type by type, as mtx asks: tgt's report of all types together cannot be read.
Result<std::map<std::string, std::uint16_t>> Library::inventory() {
  std::map<std::string, std::uint16_t> found;
  for (const auto type : places_.elements.in_order()) {
    const scsi::ReadElementStatus cdb{
        .volume_tags = true, .type = type, .count = 0xffff, .allocation_length = kRoom};
    const auto answer = TRY(host_->run_past_attentions(lun(Unit::kChanger), cdb.encode(), kRoom));
    const auto status = TRY(words::elements_of(answer));
    for (const auto& page : status.pages)
      for (const auto& element : page.descriptors)
        if (element.full) found[element.volume_tag] = element.address;
  }
  return found;
}

// Whatever a row that failed left behind.
Status Library::bring_home() {
  const auto allow = scsi::PreventAllow{.prevent = false}.encode();
  const auto release = scsi::plain_cdb(scsi::Opcode::kRelease6);
  for (const auto& [unit, lun] : luns_)
    for (auto* host : {host_.get(), other_host_.get()})
      for (const auto& cdb : {allow, release}) (void)TRY(host->run_past_attentions(lun, cdb));
  for (std::size_t moves = 0; moves <= 4 * home_.size(); ++moves) {
    const auto next = TRY(next_move());
    if (!next) return {};
    TRY(must(lun(Unit::kChanger), next->encode()));
  }
  return fail(ErrorCode::kConflict, "the cartridges do not get home");
}

// Nothing when all are at home. A cartridge whose place is taken waits; when all wait, one goes aside.
Result<std::optional<scsi::MoveMedium>> Library::next_move() {
  const auto now = TRY(inventory());
  std::set<std::uint16_t> taken;
  for (const auto& [tag, address] : now) taken.insert(address);
  std::optional<std::uint16_t> waiting;
  for (const auto& [tag, home] : home_) {
    const auto found = now.find(tag);
    if (found == now.end()) return fail(ErrorCode::kConflict, "cartridge " + tag + " is gone");
    const auto wanted = home == places_.slot(kFirstSlot) ? places_.drive(0) : home;
    if (found->second == wanted) continue;
    if (!taken.contains(wanted)) return move_of(found->second, wanted);
    waiting = found->second;
  }
  if (!waiting) return std::nullopt;
  for (unsigned i = 0; i < places_.elements.storage.count; ++i) {
    const auto aside = places_.slot(kFirstSlot + i);
    if (!taken.contains(aside)) return move_of(*waiting, aside);
  }
  return fail(ErrorCode::kConflict, "no slot is empty");
}

std::optional<scsi::MoveMedium> Library::move_of(std::uint16_t from, std::uint16_t to) const {
  return scsi::MoveMedium{.transport = places_.transport(), .source = from, .destination = to};
}

Status Library::prepare() {
  if (!host_ || !other_host_) TRY(connect());
  TRY(bring_home());
  const auto ready = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);
  for (const auto& [unit, lun] : luns_)
    for (auto* host : {host_.get(), other_host_.get()}) (void)TRY(host->run_past_attentions(lun, ready));
  if (!is_ready(TRY(host_->run(lun(Unit::kDrive), ready))))
    TRY(must(lun(Unit::kDrive), scsi::LoadUnload{.load = true}.encode()));
  TRY(must(lun(Unit::kDrive), scsi::Rewind{}.encode()));
  const auto length = words::block_length_is(words::kFixed);
  if (!TRY(take(length)).empty()) {
    const auto select = words::select_block_length(words::kFixed);
    TRY(must(lun(Unit::kDrive), select.cdb(places_), select.out));
  }
  for (const auto& [unit, lun] : luns_)
    for (auto* host : {host_.get(), other_host_.get()}) (void)TRY(host->run_past_attentions(lun, ready));
  return {};
}

Result<std::string> Library::take(const Step& step) {
  auto* host = step.by_other_host ? other_host_.get() : host_.get();
  const auto cdb = step.cdb(places_);
  Answer answer;
  for (std::size_t times = 0; times < kMaxRepeats; ++times) {
    answer = step.attentions_count ? TRY(host->run(lun(step.unit), cdb, step.room, step.out))
                                   : TRY(host->run_past_attentions(lun(step.unit), cdb, step.room, step.out));
    if (!step.again || !step.again(answer)) break;
  }
  return difference(step, answer, places_);
}

std::string Library::run(const Row& row) {
  if (const auto prepared = prepare(); !prepared) {
    host_.reset();
    return "before the row: " + prepared.error().text();
  }
  for (std::size_t i = 0; i < row.steps.size(); ++i) {
    const auto wrong = take(row.steps[i]);
    const auto where = std::to_string(i + 1) + " " + row.steps[i].words + ": ";
    if (!wrong) {
      host_.reset();
      return where + wrong.error().text();
    }
    if (!wrong->empty()) return where + *wrong;
  }
  return {};
}

}  // namespace tapewarden::suite
