#include "engine/work/drive_desk.h"

#include <algorithm>

namespace tapewarden::engine {
DriveDesk::DriveDesk(std::vector<WorkDrive> drives, Rests rests)
    : drives_(std::move(drives)), rests_(std::move(rests)), taken_(drives_.size(), false) {}

bool DriveDesk::reaches(const TapeStation& station, const std::string& library) const {
  return library.empty() || station.library_name() == library || !libraries().contains(library);
}

std::set<std::string> DriveDesk::libraries() const {
  std::set<std::string> names;
  for (const auto& drive : drives_) names.insert(drive.station->library_name());
  return names;
}

bool DriveDesk::suits(const WorkDrive& drive, const DriveNeed& need) const {
  if (drive.kind != need.kind || !reaches(*drive.station, need.library)) return false;
  const auto status = drive.station->drive().status();
  if (status.state == PhysicalDriveStatus::State::kOffline) return false;
  if (need.encryption == TapeEncryption::kClear) return true;
  return status.can_encrypt() && status.facts.method == need.encryption;
}

bool DriveDesk::rests(const WorkDrive& drive) const {
  return rests_ && rests_(drive.station->library_name());
}

bool DriveDesk::rests(const DriveNeed& need) const {
  const auto works = [&](const WorkDrive& drive) { return suits(drive, need) && !rests(drive); };
  return usable(need) && std::ranges::none_of(drives_, works);
}

std::optional<std::size_t> DriveDesk::free_one(const DriveNeed& need, const Spared& spared) const {
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    const auto& drive = drives_[i];
    if (!taken_[i] && suits(drive, need) && !rests(drive) && !(spared && spared(*drive.station))) return i;
  }
  return std::nullopt;
}

std::optional<DriveDesk::Claim> DriveDesk::claim(const DriveNeed& need, const Spared& spared) {
  const MutexLock lock(mutex_);
  const auto found = free_one(need, spared);
  if (!found) return std::nullopt;
  taken_[*found] = true;
  return Claim(*this, *drives_[*found].station);
}

std::optional<DriveDesk::Pair> DriveDesk::claim_two(const DriveNeed& first, const DriveNeed& second) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    if (taken_[i] || !suits(drives_[i], first) || rests(drives_[i])) continue;
    const auto other =
        free_one(second, [&](const TapeStation& station) { return &station == drives_[i].station; });
    if (!other) continue;
    taken_[i] = true;
    taken_[*other] = true;
    return Pair{Claim(*this, *drives_[i].station), Claim(*this, *drives_[*other].station)};
  }
  return std::nullopt;
}

std::optional<DriveDesk::Claim> DriveDesk::claim_anyhow(TapeStation& station) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    if (drives_[i].station != &station || taken_[i]) continue;
    taken_[i] = true;
    return Claim(*this, station);
  }
  return std::nullopt;
}

std::optional<DriveDesk::Claim> DriveDesk::claim_loaded(
    const std::function<bool(const TapeStation&)>& which) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    auto& station = *drives_[i].station;
    const bool online = station.drive().status().state != PhysicalDriveStatus::State::kOffline;
    if (taken_[i] || !online || !station.loaded() || !which(station)) continue;
    taken_[i] = true;
    return Claim(*this, station);
  }
  return std::nullopt;
}

std::optional<DriveDesk::Claim> DriveDesk::claim_offline(
    const std::function<bool(const PhysicalDrive&)>& which) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < drives_.size(); ++i) {
    auto& station = *drives_[i].station;
    const bool online = station.drive().status().state != PhysicalDriveStatus::State::kOffline;
    if (taken_[i] || online || !which(station.drive())) continue;
    taken_[i] = true;
    return Claim(*this, station);
  }
  return std::nullopt;
}

bool DriveDesk::free_for(const DriveNeed& need) const {
  const MutexLock lock(mutex_);
  return free_one(need, {}).has_value();
}

void DriveDesk::release(const TapeStation& station) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < drives_.size(); ++i)
    if (drives_[i].station == &station) taken_[i] = false;
}

bool DriveDesk::usable(const DriveNeed& need) const {
  return std::ranges::any_of(drives_, [&](const WorkDrive& drive) { return suits(drive, need); });
}

std::size_t DriveDesk::count_usable(const DriveNeed& need) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(drives_, [&](const WorkDrive& drive) { return suits(drive, need); }));
}

bool DriveDesk::two_usable(const DriveNeed& first, const DriveNeed& second) const {
  return std::ranges::any_of(drives_, [&](const WorkDrive& one) {
    return suits(one, first) && std::ranges::any_of(drives_, [&](const WorkDrive& other) {
             return other.station != one.station && suits(other, second);
           });
  });
}

bool DriveDesk::fits(const TapeStation& station, const DriveNeed& need) const {
  return std::ranges::any_of(
      drives_, [&](const WorkDrive& drive) { return drive.station == &station && suits(drive, need); });
}

std::size_t DriveDesk::capable() const {
  return static_cast<std::size_t>(std::ranges::count_if(drives_, [](const WorkDrive& drive) {
    const auto status = drive.station->drive().status();
    return status.state != PhysicalDriveStatus::State::kOffline && status.can_encrypt();
  }));
}

std::size_t DriveDesk::taken() const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count(taken_, true));
}

bool DriveDesk::taken(const TapeStation& station) const {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < drives_.size(); ++i)
    if (drives_[i].station == &station) return taken_[i];
  return false;
}

std::vector<PhysicalDrive*> DriveDesk::drives() const {
  std::vector<PhysicalDrive*> out;
  for (const auto& drive : drives_) out.push_back(&drive.station->drive());
  return out;
}

std::vector<const TapeStation*> DriveDesk::stations() const {
  std::vector<const TapeStation*> out;
  for (const auto& drive : drives_) out.push_back(drive.station);
  return out;
}

TapeEncryption tape_encryption(MediumEncryption encryption) {
  if (encryption == MediumEncryption::kWrapped) return TapeEncryption::kWrapped;
  if (encryption == MediumEncryption::kIdentified) return TapeEncryption::kIdentified;
  return TapeEncryption::kClear;
}

MediumEncryption medium_encryption(TapeEncryption encryption) {
  if (encryption == TapeEncryption::kWrapped) return MediumEncryption::kWrapped;
  if (encryption == TapeEncryption::kIdentified) return MediumEncryption::kIdentified;
  return MediumEncryption::kClear;
}

}  // namespace tapewarden::engine
