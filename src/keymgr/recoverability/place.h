// Places where a tape's key can be had, and what is known of each (K26). Values; pure.
//
// A place is a server of the pair, a backup target, a partner site, or the holder of a KEK's private half
// elsewhere. Two places are independent when their failure domains differ. The recovery kit is no place: it
// opens servers and backups and holds no tape's key.
//
// What is believed of each, and for how long:
//   this server    what its keystore holds, without the keys that its self-check could not open.
//   the peer       what it acknowledged. When it is silent it counts on, marked as stale and with the date at
//                  which it was heard last, for recoverability.silent_hours (24): a restart is no alarm. Then
//                  it counts no more until it is heard again.
//   backup target  what its last verification proved, with that date; it never becomes too old, since the
//                  files are looked for every minute (custody/backup/service.h, S5). A target that counts for
//                  nothing (K17: on the keystore's own file system, or on tape, where its own keys may seal
//                  it) counts for nothing here.
//   partner        keys that came from him, with the date of his file: he had them then. Keys sent to him
//                  count only when recoverability.partners says so, since nobody tells that they arrived.
//   KEK holder     one who proved that he can unwrap, with the date of the proof.
#pragma once

#include <bitset>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymgr/recoverability/limits.h"
#include "keymgr/rows.h"

namespace tapewarden::keymgr::recoverability {

enum class PlaceKind : std::uint8_t { kServer = 1, kPeer = 2, kBackup = 3, kPartner = 4, kHolder = 5 };

using PlaceSet = std::bitset<kMaximumPlaces>;

struct Place {
  PlaceKind kind = PlaceKind::kServer;
  std::string name{};    // "server:primary", "target:vault", "partner:DR SITE", "holder:ARCHIVE-2016"
  std::string domain{};  // of failure; folded to upper case
  bool counts = true;
  bool stale = false;       // believed by what was heard some time ago
  WallTime as_of = kNever;  // of what is known about it; kNever: now
  std::string remark{};     // for people; empty: nothing
  // What it holds: everything of commits of this server up to here. Of servers and backups.
  std::int64_t through = 0;
  Hash256 kek{};  // of a holder

  // What counts was not changed; dates and remarks aside.
  bool same_for_counting(const Place& other) const {
    return kind == other.kind && name == other.name && domain == other.domain && counts == other.counts &&
           through == other.through && kek == other.kek;
  }
};

using SharedKeys = std::map<KeyFingerprint, std::vector<std::string>>;  // the partner places that have it

struct Places {
  std::vector<Place> all;  // at most kMaximumPlaces
  std::size_t left_out = 0;
  SharedKeys shared;
  std::vector<std::string> misnamed;  // what recoverability.domains names and nothing here is called
};

// What is taken away in "which tapes die if". kInvalidArgument naming "without" for a word that is none of
// server:NAME, target:NAME, partner:NAME, holder:LABEL, domain:NAME, kek:LABEL-OR-HASH; kNotFound for a place
// or domain that there is not. KEKs are found by the caller.
struct Without {
  PlaceSet places;
  std::vector<Hash256> keks;
};
struct WithoutWord {
  std::string kind;  // "server"
  std::string name;
};
Result<WithoutWord> read_without(std::string_view word);
// The places that a word other than kek: takes away.
Result<PlaceSet> places_of(const Places& places, const WithoutWord& word);

// How many failure domains the places of the set have.
std::size_t independent(const Places& places, const PlaceSet& set);

}  // namespace tapewarden::keymgr::recoverability
