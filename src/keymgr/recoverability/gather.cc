#include "keymgr/recoverability/gather.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "keymgr/place_domains.h"
#include "keymgr/recoverability/tables.h"
#include "keymgr/row_codec.h"
#include "keymgr/sharing/partners.h"
#include "keymgr/sharing/tables.h"
#include "keymgr/sharing/transfers.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::recoverability {
namespace {

constexpr std::chrono::minutes kStaleAfter{1};
constexpr std::size_t kCharactersOfAnId = 8;
constexpr std::size_t kRowsOfFingerprints = 100;  // in one look

}  // namespace

Gatherer::Gatherer(KeyManager& manager, std::string server_name, backup::Service* backups,
                   std::function<std::optional<PeerFacts>()> peer)
    : manager_(manager),
      server_name_(std::move(server_name)),
      backups_(backups),
      peer_(std::move(peer)),
      started_(manager.context().now()) {}

void Gatherer::add(Places& out, Place place) const {
  if (out.all.size() >= kMaximumPlaces) {
    ++out.left_out;
    return;
  }
  out.all.push_back(std::move(place));
}

// Two installations that became a pair may each have a server of the same name.
std::string Gatherer::name_of(const PeerFacts& peer) const {
  if (!equal_ignoring_case(peer.name, server_name_)) return peer.name;
  return peer.name + "-" + peer.id.text().substr(0, kCharactersOfAnId);
}

Status Gatherer::add_servers(store::Reader& reader, Places& out, WallTime heard_before) {
  Place self{.kind = PlaceKind::kServer, .name = "server:" + server_name_, .domain = server_name_};
  self.through = std::numeric_limits<std::int64_t>::max();
  add(out, std::move(self));
  const auto peer = peer_ ? peer_() : std::nullopt;
  if (!peer) return {};
  const WallTime now = manager_.context().now();
  // What nobody noted before the start is believed from the start on. A time to come is a clock that jumped.
  heard_ = std::max(heard_, peer->heard);
  if (heard_ == kNever) heard_ = heard_before == kNever ? started_ : heard_before;
  heard_ = std::min(heard_, now);
  const std::string name = name_of(*peer);
  Place place{.kind = PlaceKind::kPeer, .name = "server:" + name, .domain = name};
  place.through = static_cast<std::int64_t>(peer->acknowledged);
  if (peer->acknowledged == 0) {
    place.counts = false;
    place.remark = "it has not had everything yet";
  }
  if (const auto check = TRY(check_of(reader, peer->id)); check && check->failed > 0) {
    place.remark = "its own self-check could not open " + std::to_string(check->failed) +
                   " keys: see `tapewarden status` there";
  }
  if (!peer->in_step) {
    const auto hours = TRY(parse_number(TRY(manager_.settings().get(reader, kSilentHours)), 0,
                                        kMaximumSilentHours, kSilentHours));
    place.as_of = heard_;
    place.stale = now - heard_ >= kStaleAfter;
    place.remark =
        "it does not answer; what it had acknowledged is counted for " + std::to_string(hours) + " hours";
    if (now - heard_ >= std::chrono::hours(hours)) {
      place.counts = false;
      place.remark = "it has not answered for " + std::to_string(hours) + " hours or more";
    }
  }
  add(out, std::move(place));
  return {};
}

Status Gatherer::add_targets(Places& out) {
  if (backups_ == nullptr) return {};
  for (const auto& status : TRY(backups_->list())) {
    Place place{.kind = PlaceKind::kBackup,
                .name = "target:" + status.target.name,
                .domain = status.target.domain,
                .as_of = status.state.verified_at};
    place.through = status.state.verified;
    place.counts = status.target.counts && status.state.verified > 0;
    if (!status.target.counts) {
      place.remark = "it is no failure domain of its own: its files lie with the keystore or on tape";
    } else if (status.state.covered == 0) {
      place.remark = "it holds no backup that counts";
    } else if (status.state.verified == 0) {
      place.remark = "no backup there was verified: run `tapewarden backup verify`";
    } else if (!status.state.verify_failure.empty()) {
      place.remark = "the last verification failed; counted is what was proved before";
    }
    add(out, std::move(place));
  }
  return {};
}

namespace {

Result<std::string> state_of(store::Reader& reader, const std::string& which) {
  std::string out = which;
  for (const auto* table :
       {&sharing::kTransferTable, &sharing::kTransferKeysTable, &sharing::kPartnerTable}) {
    // The number as well: a row that is gone leaves the newest commit as it was.
    for (const char* figure : {"MAX(row_commit)", "COUNT(*)"}) {
      out += "/" + std::to_string(TRY(reader.aggregate(*table, figure, "1", {})));
    }
  }
  return out;
}

Status add_fingerprints(store::Reader& reader, const sharing::Transfer& transfer, const std::string& name,
                        SharedKeys& out) {
  for (std::int64_t after = -1;;) {
    const auto rows = TRY(reader.query(
        sharing::kTransferKeysTable, "file = ? AND direction = ? AND number > ? ORDER BY number LIMIT ?",
        {to_bytes(transfer.file.view()), static_cast<std::int64_t>(transfer.direction), after,
         static_cast<std::int64_t>(kRowsOfFingerprints)}));
    for (const auto& row : rows) {
      after = store::integer(row, 2);
      ByteReader in(store::blob(row, 3));
      while (in.remaining() >= sizeof(KeyFingerprint)) {
        auto& places = out[TRY(in.array<sizeof(KeyFingerprint)>("fingerprint"))];
        if (std::ranges::find(places, name) == places.end()) places.push_back(name);
      }
    }
    if (rows.size() < kRowsOfFingerprints) return {};
  }
}

}  // namespace

Status Gatherer::add_partners(store::Reader& reader, Places& out) {
  const std::string which = TRY(manager_.settings().get(reader, kCountedPartners));
  const std::string state = TRY(state_of(reader, which));
  if (state != shared_state_) {
    SharedKeys shared;
    std::vector<Place> places;
    const auto transfers =
        which == "none" ? std::vector<sharing::Transfer>() : TRY(sharing::list_transfers(reader));
    for (const auto& partner : TRY(sharing::list_partners(reader))) {
      Place place{.kind = PlaceKind::kPartner,
                  .name = "partner:" + partner.display,
                  .domain = "partner:" + partner.display,
                  .stale = true};
      bool sent = false;
      for (const auto& transfer : transfers) {
        if (transfer.fingerprint != partner.fingerprint) continue;
        const bool given = transfer.direction == sharing::Direction::kGiven;
        sent = sent || given;
        if (given && which != "sent") continue;
        TRY(add_fingerprints(reader, transfer, place.name, shared));
        place.as_of = std::max(place.as_of, transfer.made);
      }
      place.counts = place.as_of != kNever;
      if (!place.counts) {
        place.remark = sent ? "keys were sent to it; that they arrived nobody told (recoverability.partners)"
                            : "no keys came from it";
      }
      places.push_back(std::move(place));
    }
    shared_ = std::move(shared);
    partners_ = std::move(places);
    shared_state_ = state;
  }
  for (const Place& place : partners_) add(out, place);
  out.shared = shared_;
  return {};
}

Status Gatherer::add_holders(store::Reader& reader, Places& out) {
  for (const auto& row : TRY(reader.query(kKekTable, "proven <> 0 ORDER BY common_name, id", {}))) {
    const Kek kek = Kek::from_row(row);
    if (is_tombstone(kek.state)) continue;
    const auto labels = TRY(manager_.keks().labels_of(reader, kek.id));
    const std::string name = "holder:" + (labels.empty() ? kek.common_name : labels.front());
    Place place{
        .kind = PlaceKind::kHolder, .name = name, .domain = name, .stale = true, .as_of = kek.proven_at};
    place.kek = kek.id;
    add(out, std::move(place));
  }
  return {};
}

Status Gatherer::name_domains(store::Reader& reader, Places& out) const {
  const auto named = TRY(parse_place_domains(TRY(manager_.settings().get(reader, kPlaceDomains))));
  for (Place& place : out.all) {
    const auto found = std::ranges::find_if(named, [&](const auto& one) {
      return equal_ignoring_case(one.first, place.name) ||
             equal_ignoring_case("server:" + one.first, place.name);
    });
    if (found != named.end()) place.domain = found->second;
    place.domain = to_upper(place.domain);
  }
  for (const auto& [name, domain] : named) {
    const bool there = std::ranges::any_of(out.all, [&name](const Place& place) {
      return equal_ignoring_case(name, place.name) || equal_ignoring_case("server:" + name, place.name);
    });
    if (!there) out.misnamed.push_back(name);
  }
  return {};
}

Result<Places> Gatherer::gather(WallTime heard_before) {
  Places out;
  TRY(add_targets(out));
  std::vector<Place> targets = std::move(out.all);
  out.all.clear();
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    TRY(add_servers(reader, out, heard_before));
    for (Place& target : targets) add(out, std::move(target));
    TRY(add_partners(reader, out));
    TRY(add_holders(reader, out));
    return name_domains(reader, out);
  }));
  return out;
}

}  // namespace tapewarden::keymgr::recoverability
