#include "apps/engine_back_end.h"

#include <algorithm>
#include <atomic>

#include "apps/log.h"
#include "base/disk_space.h"
#include "base/text.h"
#include "tape/device/changer.h"
#include "tape/initiator/ahead_transport.h"
#include "tape/library/library_actions.h"
#include "tape/transport/iscsi_transport.h"
#include "tape/transport/sg_io_transport.h"

namespace tapewarden::apps {
namespace {

using engine::NoticeKind;
using tape::BackEndKind;
using tape::BackEndSpec;

constexpr scsi::NexusId kEngineNexus{1};  // the only initiator that virtual drives behind the engine know
constexpr std::size_t kSecretFileLimit = 4096;
constexpr std::uint64_t kReservedPart = 64;  // of a virtual cartridge, at most

engine::MediumKind catalogue_kind(tape::MediumKind kind) {
  return kind == tape::MediumKind::k3592 ? engine::MediumKind::k3592 : engine::MediumKind::kLto;
}

Result<std::shared_ptr<tape::DriveBay>> make_bay(Env env, const BackEndSpec& spec,
                                                 const tape::LibraryDrive& drive,
                                                 tape::DriveExchange* exchange) {
  auto identity = tape::DriveIdentity::load(*env.disk, spec.library.identities + "/" + drive.serial);
  if (!identity && identity.error().code == ErrorCode::kNotFound)
    return fail(ErrorCode::kNotFound,
                "drive " + drive.serial + " has no identity in " + spec.library.identities,
                spec.section + ".drives", "make it: tapewarden engine init");
  if (!identity) return in_context("drive " + drive.serial, identity.error());
  tape::DriveOptions options{.management = tape::KeyManagement::kSystem};
  options.library_serial = spec.library.changer.serial;
  options.free_bytes = free_disk_bytes;
  return std::make_shared<tape::DriveBay>(
      std::make_unique<tape::Drive>(env, *std::move(identity), std::move(options), exchange));
}

// The password of the CHAP user in the URLs, shared by all openings.
Result<std::shared_ptr<const crypto::SecretBytes>> read_password(Disk& disk, const BackEndSpec& spec) {
  if (spec.secret_file.empty()) return std::make_shared<const crypto::SecretBytes>();
  auto content = read_file(disk, spec.secret_file, kSecretFileLimit);
  if (!content) return in_context(spec.section + ".secret_file", content.error());
  std::size_t size = content->size();
  while (size > 0 && ((*content)[size - 1] == '\n' || (*content)[size - 1] == '\r')) --size;
  auto password = std::make_shared<const crypto::SecretBytes>(
      crypto::SecretBytes::copy_of(ByteView(*content).first(size)));
  crypto::wipe(*content);
  return password;
}

// How the device is opened: each time anew.
Result<OutsideTransport::Open> opener(const BackEndSpec& spec, const std::string& device,
                                      std::shared_ptr<const crypto::SecretBytes> password) {
  if (spec.kind == BackEndKind::kScsi)
    return [device]() -> Result<std::unique_ptr<tape::Transport>> {
      return TRY(tape::SgIoTransport::open(device));
    };
  return [url = TRY(tape::parse_iscsi_url(device)), initiator = spec.initiator,
          password]() -> Result<std::unique_ptr<tape::Transport>> {
    tape::IscsiLogin login;
    if (!initiator.empty()) login.initiator = initiator;
    if (!password->empty()) login.password = crypto::SecretBytes::copy_of(password->reveal());
    return TRY(tape::IscsiTransport::open(url, login));
  };
}

}  // namespace

// In the order of dependence; destroyed from the end.
struct EngineBackEnd::Place {
  std::string name;
  std::atomic<bool> answers = false;     // the library, when it was last asked
  std::unique_ptr<tape::Library> robot;  // virtual ones alone, as is the changer
  std::unique_ptr<tape::Changer> changer;
  std::unique_ptr<tape::Transport> to_changer;
  std::vector<std::unique_ptr<tape::Transport>> to_drives;
  std::vector<OutsideTransport*> renewable;  // by drive; null where nothing can break
  std::vector<engine::MediumKind> kinds;
  std::vector<engine::LibraryDrivePort> ports;
  std::unique_ptr<engine::PhysicalLibrary> library;
  std::vector<std::unique_ptr<engine::PhysicalDrive>> drives;
  std::vector<std::unique_ptr<engine::TapeStation>> stations;

  Status make_virtual(Env env, const BackEndSpec& spec, tape::DriveExchange* exchange);
  Status make_outside(Env env, const BackEndSpec& spec);
  void man(Env env, const BackEndParts& parts, const BackEndSpec& spec);
};

Status EngineBackEnd::Place::make_virtual(Env env, const BackEndSpec& spec, tape::DriveExchange* exchange) {
  auto folder = tape::LibraryFolder::open(env, spec.library);
  if (!folder && folder.error().code == ErrorCode::kNotFound)
    return fail(ErrorCode::kNotFound, folder.error().message, spec.section + ".folder",
                "make it: tapewarden engine init");
  if (!folder) return in_context(spec.section, folder.error());
  std::vector<std::shared_ptr<tape::DriveBay>> bays;
  for (const auto& drive : spec.library.drives) {
    bays.push_back(TRY(make_bay(env, spec, drive, exchange)));
    to_drives.push_back(std::make_unique<tape::AheadTransport>(*bays.back(), kEngineNexus));
    renewable.push_back(nullptr);
    kinds.push_back(catalogue_kind(drive.kind));
    ports.push_back({.serial = drive.serial});
  }
  robot = TRY(tape::Library::open(
      *std::move(folder), std::move(bays),
      [name = spec.name](const std::string& text) { log(LogLevel::kWarning, name + ": " + text); }));
  changer = std::make_unique<tape::Changer>(*robot, spec.library.changer);
  to_changer = std::make_unique<tape::InProcessTransport>(*changer, kEngineNexus);
  return {};
}

Status EngineBackEnd::Place::make_outside(Env env, const BackEndSpec& spec) {
  const auto password = TRY(read_password(*env.disk, spec));
  const bool local = spec.kind == BackEndKind::kScsi;
  to_changer = std::make_unique<OutsideTransport>(TRY(opener(spec, spec.changer, password)),
                                                  OutsideTransport::AfterBreak::kOpensAnew, local);
  for (const auto& drive : spec.drives) {
    auto way = std::make_unique<OutsideTransport>(TRY(opener(spec, drive.device, password)),
                                                  OutsideTransport::AfterBreak::kStaysBroken, local);
    renewable.push_back(way.get());
    to_drives.push_back(std::move(way));
    kinds.push_back(catalogue_kind(spec.media));
    ports.push_back({.serial = drive.serial, .element = drive.element});
  }
  return {};
}

void EngineBackEnd::Place::man(Env env, const BackEndParts& parts, const BackEndSpec& spec) {
  auto options = parts.station;
  if (spec.kind == BackEndKind::kVirtual) {
    options.reserve_bytes = std::min(options.reserve_bytes, spec.cartridge_bytes / kReservedPart);
    options.free_on_disk = [folder = spec.library.folder] { return free_disk_bytes(folder); };
  }
  library = std::make_unique<engine::PhysicalLibrary>(name, *to_changer, ports);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    drives.push_back(std::make_unique<engine::PhysicalDrive>(ports[i].serial, *to_drives[i]));
    stations.push_back(
        std::make_unique<engine::TapeStation>(*library, *drives.back(), parts.keys, *env.clock, options));
  }
}

EngineBackEnd::EngineBackEnd(engine::Notices& notices) : notices_(notices) {}
EngineBackEnd::~EngineBackEnd() = default;

Result<std::unique_ptr<EngineBackEnd>> EngineBackEnd::open(Env env, const std::vector<BackEndSpec>& specs,
                                                           BackEndParts parts) {
  std::unique_ptr<EngineBackEnd> made(new EngineBackEnd(parts.notices));
  for (const auto& spec : specs) {
    auto& place = *made->places_.emplace_back(std::make_unique<Place>());
    place.name = spec.name;
    TRY(spec.kind == BackEndKind::kVirtual ? place.make_virtual(env, spec, parts.exchange)
                                           : place.make_outside(env, spec));
    place.man(env, parts, spec);
    for (std::size_t i = 0; i < place.stations.size(); ++i)
      made->seats_.push_back({*place.library, *place.drives[i], *place.stations[i], place.kinds[i]});
    (void)made->refresh(place.name);  // told as interventions
  }
  for (std::size_t seat = 0; seat < made->seats_.size(); ++seat) (void)made->bring_online(seat);
  return made;
}

std::vector<engine::PhysicalLibrary*> EngineBackEnd::libraries() const {
  std::vector<engine::PhysicalLibrary*> out;
  for (const auto& place : places_) out.push_back(place->library.get());
  return out;
}

engine::MediumKind EngineBackEnd::kind_of(const std::string& library, const std::string& barcode) const {
  const auto place = std::ranges::find(places_, library, [](const auto& one) { return one->name; });
  if (place == places_.end()) return engine::MediumKind::kLto;
  auto kind = (*place)->kinds.front();
  if ((*place)->robot)
    (*place)->robot->look([&](const tape::LibraryFolder& folder) {
      if (const auto* holding = folder.inventory().find(barcode)) kind = catalogue_kind(holding->kind);
    });
  return kind;
}

Status EngineBackEnd::bring_online(std::size_t index) {
  seats_.at(index).drive.forget_breaks();
  return ask_drive(index);
}

Status EngineBackEnd::ask_drive(std::size_t index) {
  const auto& seat = seats_.at(index);
  for (const auto& place : places_)
    for (std::size_t i = 0; i < place->drives.size(); ++i)
      if (place->drives[i].get() == &seat.drive && place->renewable[i] != nullptr)
        place->renewable[i]->renew();
  const auto probed = seat.drive.probe();
  if (probed)
    notices_.clear(NoticeKind::kDriveOffline, seat.drive.serial(), "The " + seat.drive.name() + " is online");
  else
    notices_.raise(NoticeKind::kDriveOffline, seat.drive.serial(), probed.error().text());
  return probed;
}

void EngineBackEnd::take_offline(std::size_t index, const std::string& reason) {
  auto& drive = seats_.at(index).drive;
  drive.take_offline(reason);
  notices_.raise(NoticeKind::kDriveOffline, drive.serial(), drive.name() + " is offline: " + reason);
}

Status EngineBackEnd::refresh(const std::string& name) {
  const auto place = std::ranges::find(places_, name, [](const auto& one) { return one->name; });
  if (place == places_.end())
    return fail(ErrorCode::kNotFound, "the engine has no library " + escape_unprintable(name), "library");
  const auto seen = (*place)->library->open();
  (*place)->answers = seen.has_value();
  const std::string subject = "library " + name;
  if (!seen) {
    notices_.raise(NoticeKind::kDriveOffline, subject, seen.error().text());
    return seen;
  }
  const auto problems = (*place)->library->problems();
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "; ") + problem;
  if (text.empty())
    notices_.clear(NoticeKind::kDriveOffline, subject, "The " + subject + " answers");
  else
    notices_.raise(NoticeKind::kDriveOffline, subject, "The " + subject + ": " + text);
  return {};
}

Result<EngineBackEnd::Place*> EngineBackEnd::virtual_home(const std::string& barcode) const {
  for (const auto& place : places_) {
    bool here = false;
    if (place->robot)
      place->robot->look(
          [&](const tape::LibraryFolder& folder) { here = folder.inventory().find(barcode) != nullptr; });
    if (here) return place.get();
    if (!place->robot && place->library->find(barcode))
      return fail(ErrorCode::kUnsupported, "library " + place->name + " is no virtual one", "barcode",
                  "take the cartridge out of its import/export slot, or put it there, by hand");
  }
  return fail(ErrorCode::kNotFound, "no virtual library behind the engine has a cartridge " + barcode,
              "barcode", "look at its barcode; a cartridge of a real library is put in by hand");
}

Result<std::string> EngineBackEnd::take_away(const std::string& barcode) {
  auto& place = *TRY(virtual_home(barcode));
  // One that the catalogue does not have was never ejected.
  const auto placed = place.library->find(barcode);
  if (placed && placed->type == scsi::ElementType::kStorage) (void)TRY(place.library->hand_out(barcode));
  std::string path;
  TRY(place.robot->act([&](tape::LibraryFolder& folder) -> Status {
    TRY(tape::export_cartridge(folder, barcode));
    path = folder.path_of(barcode);
    return {};
  }));
  (void)refresh(place.name);  // told as an intervention
  return path;
}

Result<std::string> EngineBackEnd::bring_back(const std::string& barcode) {
  auto& place = *TRY(virtual_home(barcode));
  std::string where;
  TRY(place.robot->act([&](tape::LibraryFolder& folder) -> Status {
    where = TRY(tape::import_cartridge(folder, barcode)).text();
    return {};
  }));
  (void)refresh(place.name);
  return where + " of library " + place.name;
}

void EngineBackEnd::retry(const Claim& claim, const std::function<bool()>& go_on) {
  for (const auto& place : places_)
    if (!place->answers && go_on()) (void)refresh(place->name);  // told as an intervention
  const auto asked_again = [this](std::size_t index) {
    const auto status = seats_[index].drive.status();
    return status.state == engine::PhysicalDriveStatus::State::kOffline && status.asked_again;
  };
  pauses_.resize(seats_.size());
  for (std::size_t index = 0; index < seats_.size() && go_on(); ++index) {
    if (!asked_again(index) || !pauses_[index].its_turn(seats_[index].drive.status().breaks)) continue;
    // Once more when it is ours: an operator may have taken it offline meanwhile, and then it stays so.
    if (const auto mine = claim(seats_[index].station); mine && asked_again(index)) (void)ask_drive(index);
  }
}

Status EngineBackEnd::power_off() {
  Status first;
  for (const auto& place : places_) {
    if (!place->robot) continue;
    const auto off = place->robot->power_off();
    if (!off && first) first = off;
  }
  return first;
}

}  // namespace tapewarden::apps
