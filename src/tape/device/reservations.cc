#include "tape/device/reservations.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "scsi/fields.h"
#include "scsi/sense_codes.h"
#include "tape/device/limits.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

constexpr bool kStops = true;
constexpr bool kPasses = false;

// SPC-4 tables 66 and 67, SSC-4 table 14, SPC-2 table 9.
constexpr auto kConflicts = std::to_array<ConflictRow>({
    // class                           RESERVE  WE       EA
    {ReservationClass::kNever, kPasses, kPasses, kPasses},
    {ReservationClass::kStatus, kStops, kPasses, kPasses},
    {ReservationClass::kRead, kStops, kPasses, kStops},
    {ReservationClass::kWrite, kStops, kStops, kStops},
    {ReservationClass::kRemoval, kStops, kStops, kStops},
    {ReservationClass::kReserve, kStops, kPasses, kPasses},
    {ReservationClass::kRelease, kPasses, kPasses, kPasses},
    {ReservationClass::kPersistentOut, kStops, kPasses, kPasses},
});

constexpr std::size_t kParameterBytes = 24;

bool exclusive_access(ReservationType type) {
  return type == ReservationType::kExclusiveAccess ||
         type == ReservationType::kExclusiveAccessRegistrantsOnly ||
         type == ReservationType::kExclusiveAccessAllRegistrants;
}
bool all_registrants(ReservationType type) {
  return type == ReservationType::kWriteExclusiveAllRegistrants ||
         type == ReservationType::kExclusiveAccessAllRegistrants;
}
// Registrants share it: only they lose something when it ends.
bool shared(ReservationType type) {
  return type != ReservationType::kWriteExclusive && type != ReservationType::kExclusiveAccess;
}

scsi::Response conflict_status() {
  scsi::Response response;
  response.status = scsi::ScsiStatus::kReservationConflict;
  return response;
}
scsi::Response taken() {
  auto response = scsi::good();
  response.data_out_used = kParameterBytes;
  return response;
}

scsi::Outcome<ReservationType> type_of(const scsi::PersistentReserveOut& command) {
  if (command.scope != 0) return scsi::invalid_in_cdb(2, 7);
  constexpr std::uint16_t kOffered = 0b1'1110'1010;  // bits 1, 3, 5, 6, 7, 8
  if (((kOffered >> command.type) & 1U) == 0) return scsi::invalid_in_cdb(2, 3);
  return static_cast<ReservationType>(command.type);
}

constexpr unsigned kAptpl = 0x01;

// ALL_TG_PT and SPEC_I_PT are not offered, APTPL only where it can be kept (REPORT CAPABILITIES says so).
scsi::Outcome<void> check_flags(ByteView list, bool keeps) {
  const auto flags = list[20] & (keeps ? 0x0eU : 0x0fU);
  if (flags == 0) return {};
  std::uint8_t bit = 3;
  while ((flags >> bit) == 0) --bit;
  return scsi::invalid_in_parameters(20, bit);
}

}  // namespace

const ConflictRow& conflicts_of(ReservationClass command) {
  const auto row = std::ranges::find(kConflicts, command, &ConflictRow::command);
  TW_ASSERT(row != kConflicts.end());
  return *row;
}

Reservations::Reservations(UnitAttentions& attentions, std::shared_ptr<ReservationFile> file)
    : attentions_(attentions), file_(std::move(file)) {
  if (file_) restore(file_->kept());
}

bool Reservations::conflict(scsi::NexusId nexus, ReservationClass command, ByteView cdb) const {
  if (command == ReservationClass::kRemoval && cdb.size() > 4 && cdb[4] == 0) return false;
  const auto& row = conflicts_of(command);
  if (reserved_by_) {
    if (command == ReservationClass::kPersistentOut) return true;
    return row.reserve && *reserved_by_ != nexus;
  }
  if (!type_) return false;
  if (const auto* self = find(nexus); self != nullptr && (shared(*type_) || self->holder)) return false;
  return exclusive_access(*type_) ? row.exclusive_access : row.write_exclusive;
}

bool Reservations::reserve(scsi::NexusId nexus) {
  if (registrants_.empty()) {
    if (reserved_by_ != nexus) reserve_number_ = ++last_number_;
    reserved_by_ = nexus;  // another's reservation was a conflict before
    return true;
  }
  const auto* self = find(nexus);
  return self != nullptr && type_ && (holds(*self) || shared(*type_));
}

bool Reservations::release(scsi::NexusId nexus) {
  if (registrants_.empty()) {
    if (reserved_by_ == nexus) reserved_by_.reset();  // another's stays, without error
    return true;
  }
  const auto* self = find(nexus);
  return self != nullptr && type_ && (holds(*self) || shared(*type_));
}

scsi::Outcome<scsi::Response> Reservations::persistent_out(scsi::NexusId nexus,
                                                           const scsi::PersistentReserveOut& command,
                                                           ByteView list) {
  if (list.size() != kParameterBytes) return scsi::check(codes::kParameterListLengthError);
  TRY(check_flags(list, file_ != nullptr));
  const auto before = std::tuple(registrants_, type_, generation_, keeps_);
  auto answer = act(nexus, command, list);
  if (file_ && answer && answer->good() && !file_->keep(to_keep())) {
    std::tie(registrants_, type_, generation_, keeps_) = before;
    to_tell_.clear();
    return scsi::check(codes::kInternalTargetFailure);
  }
  if (command.action == scsi::ReservationAction::kPreemptAndAbort) {
    for (const auto& registrant : std::get<0>(before))
      if (registrant.nexus && registrant.nexus != nexus && find(*registrant.nexus) == nullptr)
        aborted_.push_back(*registrant.nexus);
  }
  tell_now();
  return answer;
}

Reservations::Answer Reservations::act(scsi::NexusId nexus, const scsi::PersistentReserveOut& command,
                                       ByteView list) {
  using Action = scsi::ReservationAction;
  const Keys keys{.own = scsi::u64_at(list, 0), .service = scsi::u64_at(list, 8)};
  if (command.action == Action::kRegister || command.action == Action::kRegisterAndIgnore) {
    auto answer = register_key(nexus, keys, command.action == Action::kRegisterAndIgnore);
    if (answer && answer->good()) keeps_ = (list[20] & kAptpl) != 0;
    return answer;
  }
  auto* self = find(nexus);
  if (self == nullptr || self->key != keys.own) return conflict_status();
  switch (command.action) {
    case Action::kReserve:
      return reserve_persistently(*self, TRY(type_of(command)));
    case Action::kRelease:
      return release_persistently(*self, TRY(type_of(command)));
    case Action::kClear:
      return clear(nexus);
    case Action::kPreempt:
    case Action::kPreemptAndAbort:
      // Commands run one after another: none of the preempted nexus is under way, and what waits meets the
      // new reservation.
      return preempt(nexus, keys, TRY(type_of(command)));
    default:
      return scsi::invalid_in_cdb(1, 4);
  }
}

Reservations::Answer Reservations::register_key(scsi::NexusId nexus, const Keys& keys, bool ignore_existing) {
  auto* self = find(nexus);
  if (!ignore_existing && keys.own != (self != nullptr ? self->key : 0)) return conflict_status();
  if (keys.service == 0) {
    if (self != nullptr) {
      unregister(nexus);
      ++generation_;
    }
    return taken();
  }
  if (self == nullptr) {
    if (registrants_.size() >= kMaxRegistrants) return scsi::check(codes::kNoRegistrationResources);
    registrants_.push_back(
        {.nexus = nexus, .port = port_of(nexus), .key = keys.service, .number = ++last_number_});
  } else {
    self->key = keys.service;
  }
  ++generation_;
  return taken();
}

Reservations::Answer Reservations::reserve_persistently(Registrant& self, ReservationType type) {
  if (type_) return *type_ == type && holds(self) ? Answer(taken()) : Answer(conflict_status());
  type_ = type;
  self.holder = !all_registrants(type);
  return taken();
}

Reservations::Answer Reservations::release_persistently(Registrant& self, ReservationType type) {
  if (!type_ || !holds(self)) return taken();
  if (*type_ != type) return scsi::check(codes::kInvalidRelease);
  const bool told = shared(type);
  end_reservation();
  if (told && self.nexus) tell_registrants(*self.nexus, codes::kReservationsReleased);
  return taken();
}

Reservations::Answer Reservations::clear(scsi::NexusId nexus) {
  tell_registrants(nexus, codes::kReservationsPreempted);
  end_reservation();
  registrants_.clear();
  ++generation_;
  return taken();
}

// SPC-4 section 5.13.11.4. An "all registrants" reservation is taken over by naming the key 0.
Reservations::Answer Reservations::preempt(scsi::NexusId nexus, const Keys& keys, ReservationType type) {
  const bool everybody = type_ && all_registrants(*type_) && keys.service == 0;
  if (keys.service == 0 && !everybody) return scsi::invalid_in_parameters(8);
  const auto holder = std::ranges::find_if(registrants_, &Registrant::holder);
  const bool takes_over = everybody || (holder != registrants_.end() && holder->key == keys.service);
  const bool known = std::ranges::any_of(registrants_, [&](const auto& r) { return r.key == keys.service; });
  if (!everybody && !known) return conflict_status();
  const auto before = type_;
  if (takes_over) end_reservation();
  remove_others(nexus, everybody ? std::nullopt : std::optional(keys.service));
  if (takes_over) {
    type_ = type;
    find(nexus)->holder = !all_registrants(type);
    if (before && shared(*before) && *before != type) tell_registrants(nexus, codes::kReservationsReleased);
  } else if (auto* self = find(nexus); self->key == keys.service && !self->holder) {
    unregister(nexus);  // its own key among those that it takes away
  }
  ++preemptions_;
  ++generation_;
  return taken();
}

Reservations::Registrant* Reservations::find(scsi::NexusId nexus) {
  const auto found = std::ranges::find(registrants_, std::optional(nexus), &Registrant::nexus);
  return found == registrants_.end() ? nullptr : &*found;
}
const Reservations::Registrant* Reservations::find(scsi::NexusId nexus) const {
  const auto found = std::ranges::find(registrants_, std::optional(nexus), &Registrant::nexus);
  return found == registrants_.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> Reservations::hold_of(scsi::NexusId nexus) const {
  if (reserved_by_ == nexus) return reserve_number_;
  const auto* self = find(nexus);
  return self != nullptr && holds(*self) ? std::optional(self->number) : std::nullopt;
}

std::optional<scsi::NexusId> Reservations::holder() const {
  if (reserved_by_) return reserved_by_;
  const auto found = std::ranges::find_if(registrants_, &Registrant::holder);
  return found == registrants_.end() ? std::nullopt : found->nexus;
}

bool Reservations::holds_persistently(scsi::NexusId nexus) const {
  const auto* self = find(nexus);
  return self != nullptr && holds(*self);
}

bool Reservations::is_held(std::uint64_t hold) const {
  if (reserved_by_) return reserve_number_ == hold;
  const auto found = std::ranges::find(registrants_, hold, &Registrant::number);
  return found != registrants_.end() && holds(*found);
}

bool Reservations::holds(const Registrant& registrant) const {
  return type_ && (all_registrants(*type_) || registrant.holder);
}

Bytes Reservations::port_of(scsi::NexusId nexus) const {
  const auto known = ports_.find(nexus);
  return known == ports_.end() ? Bytes{} : known->second;
}

void Reservations::unregister(scsi::NexusId nexus) {
  const auto* self = find(nexus);
  const bool ends = type_ && (self->holder || (all_registrants(*type_) && registrants_.size() == 1));
  const bool told = ends && shared(*type_);
  if (ends) end_reservation();
  std::erase_if(registrants_, [nexus](const auto& r) { return r.nexus == nexus; });
  if (told) tell_registrants(nexus, codes::kReservationsReleased);
}

void Reservations::end_reservation() {
  type_.reset();
  for (auto& registrant : registrants_) registrant.holder = false;
}

void Reservations::tell_registrants(scsi::NexusId except, scsi::SenseCode code) {
  for (const auto& registrant : registrants_)
    if (registrant.nexus && *registrant.nexus != except) to_tell_.emplace_back(*registrant.nexus, code);
}

void Reservations::tell_now() {
  for (const auto& [nexus, code] : std::exchange(to_tell_, {})) attentions_.tell(nexus, code);
}

// Of all others when no key is given. Returns how many went.
std::size_t Reservations::remove_others(scsi::NexusId nexus, std::optional<std::uint64_t> key) {
  const auto goes = [&](const Registrant& r) { return r.nexus != nexus && (!key || r.key == *key); };
  for (const auto& registrant : registrants_)
    if (goes(registrant) && registrant.nexus)
      to_tell_.emplace_back(*registrant.nexus, codes::kRegistrationsPreempted);
  return std::erase_if(registrants_, goes);
}

void Reservations::name(scsi::NexusId nexus, const Bytes& transport_id) {
  if (transport_id.empty() || ports_.size() >= kMaxNexuses) return;
  ports_[nexus] = transport_id;
  for (auto& registrant : registrants_)
    if (registrant.port == transport_id) registrant.nexus = nexus;
}

void Reservations::nexus_lost(scsi::NexusId nexus) {
  if (reserved_by_ == nexus) reserved_by_.reset();
  ports_.erase(nexus);
  auto* self = find(nexus);
  if (self == nullptr) return;
  if (self->port.empty()) {
    unregister(nexus);
    ++generation_;
    tell_now();
  } else {
    self->nexus.reset();
  }
}

void Reservations::reset() {
  reserved_by_.reset();
}

void Reservations::power_on() {
  reserved_by_.reset();
  restore(file_ ? file_->kept() : KeptReservations{});
  generation_ = 0;
}

// Ports without a name are nobody's after power-off, and a reservation of one of them ends.
KeptReservations Reservations::to_keep() const {
  KeptReservations kept;
  if (!keeps_) return kept;
  bool held = type_ && all_registrants(*type_);
  for (const auto& registrant : registrants_) {
    if (registrant.port.empty()) continue;
    kept.registrants.push_back({.port = registrant.port, .key = registrant.key, .holder = registrant.holder});
    held = held || registrant.holder;
  }
  if (held && !kept.registrants.empty()) kept.type = static_cast<std::uint8_t>(*type_);
  return kept;
}

void Reservations::restore(const KeptReservations& kept) {
  registrants_.clear();
  for (const auto& registrant : kept.registrants) {
    const auto known = std::ranges::find(ports_, registrant.port, &decltype(ports_)::value_type::second);
    registrants_.push_back({.nexus = known == ports_.end() ? std::nullopt : std::optional(known->first),
                            .port = registrant.port,
                            .key = registrant.key,
                            .holder = registrant.holder});
  }
  type_.reset();
  if (kept.type != 0) type_ = static_cast<ReservationType>(kept.type);
  keeps_ = !kept.registrants.empty();
}

}  // namespace tapewarden::tape
