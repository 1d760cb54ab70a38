#include "keymgr/recoverability/survey.h"

#include <algorithm>

namespace tapewarden::keymgr::recoverability {
namespace {

struct Found {
  PlaceSet places;
  bool destroyed = false;
};

// Judges one key after the other; what is asked often is kept.
class Judge {
 public:
  Judge(const Catalogue& catalogue, const Places& places, const Faults& faults, const Without& without)
      : catalogue_(catalogue), places_(places), faults_(faults) {
    for (std::size_t i = 0; i < places.all.size(); ++i) {
      const Place& place = places.all[i];
      numbers_.emplace(place.name, i);
      if (!place.counts || without.places.test(i)) continue;
      counted_.set(i);
      if (place.kind == PlaceKind::kServer || place.kind == PlaceKind::kPeer ||
          place.kind == PlaceKind::kBackup) {
        holds_rows_.push_back(i);
      }
    }
    for (std::size_t i = 0; i < catalogue.keks().size(); ++i) {
      const auto& kek = catalogue.keks()[i];
      const bool gone = std::ranges::find(without.keks, kek.id) != without.keks.end();
      keks_.push_back(gone ? Found{{}, kek.destroyed} : of_kek(kek));
    }
  }

  // A key that was destroyed on purpose is missed by nobody, so what is left decides: of a write that no
  // drive confirmed the data may lie under the key that lives.
  Found of(const Catalogue::Cartridge& cartridge) const {
    Found out;
    bool any = false;
    const auto take = [&](Number need) {
      const Found one = of_need(need);
      if (one.destroyed) return;
      out.places = any ? out.places & one.places : one.places;
      any = true;
    };
    take(cartridge.need);
    if (cartridge.more != nullptr) std::ranges::for_each(*cartridge.more, take);
    out.destroyed = !any;
    return out;
  }

 private:
  Found of_need(Number need) const {
    if (need == kNone) return {};
    return (need & Catalogue::kWrapped) != 0 ? of_wrapped(need) : of_name(need);
  }

  // A name that means several keys, brought together from two sites, needs each of them, since the tape's
  // identifier does not tell which it is. Rows of one and the same key are one key.
  Found of_name(Number name) const {
    Found out;
    bool any = false;
    bool all_destroyed = true;
    for (const auto* key = catalogue_.first_of(name); key != nullptr; key = catalogue_.next_of(*key)) {
      const PlaceSet here = of_fingerprint(name, *key);
      all_destroyed = all_destroyed && key->destroyed;
      if (key->destroyed) continue;
      out.places = any ? out.places & here : here;
      any = true;
    }
    out.destroyed = all_destroyed && catalogue_.first_of(name) != nullptr;
    return out;
  }

  // The places of all rows of the name that are the same key.
  PlaceSet of_fingerprint(Number name, const Catalogue::Key& key) const {
    PlaceSet out;
    for (const auto* row = catalogue_.first_of(name); row != nullptr; row = catalogue_.next_of(*row)) {
      if (row->destroyed || row->fingerprint != key.fingerprint) continue;
      out |= of_row(row->since, row->refused_by_peer, faults_.keys.contains(row->id));
    }
    if (places_.shared.empty()) return out;
    const auto shared = places_.shared.find(key.fingerprint);
    if (shared == places_.shared.end()) return out;
    for (const auto& partner : shared->second) {
      const auto at = numbers_.find(partner);
      if (at != numbers_.end() && counted_.test(at->second)) out.set(at->second);
    }
    return out;
  }

  Found of_wrapped(Number need) const {
    Found out;
    bool all_destroyed = true;
    for (const auto& one : catalogue_.wrapped(need)) {
      const Found& kek = keks_[one.kek];
      all_destroyed = all_destroyed && kek.destroyed;
      if (kek.destroyed) continue;
      out.places |= one.ledger_since == 0 ? kek.places : kek.places & of_row(one.ledger_since, false, false);
    }
    out.destroyed = all_destroyed;
    return out;
  }

  Found of_kek(const Catalogue::Kek& kek) const {
    Found out;
    out.destroyed = kek.destroyed;
    if (kek.has_private) out.places = of_row(kek.since, kek.refused_by_peer, faults_.keks.contains(kek.id));
    for (std::size_t i = 0; i < places_.all.size(); ++i) {
      if (places_.all[i].kind == PlaceKind::kHolder && places_.all[i].kek == kek.id && counted_.test(i)) {
        out.places.set(i);
      }
    }
    return out;
  }

  // The places that have what a commit here wrote.
  PlaceSet of_row(std::int64_t since, bool refused_by_peer, bool faulty) const {
    PlaceSet out;
    for (const std::size_t i : holds_rows_) {
      const Place& place = places_.all[i];
      const bool lacks = (place.kind == PlaceKind::kServer && (faulty || faults_.more)) ||
                         (place.kind == PlaceKind::kPeer && refused_by_peer);
      if (!lacks && (place.kind == PlaceKind::kServer || since <= place.through)) out.set(i);
    }
    return out;
  }

  const Catalogue& catalogue_;
  const Places& places_;
  const Faults& faults_;
  std::unordered_map<std::string, std::size_t> numbers_;
  PlaceSet counted_;
  std::vector<std::size_t> holds_rows_;
  std::vector<Found> keks_;  // by number
};

}  // namespace

Survey Survey::make(const Catalogue& catalogue, const Places& places, const Faults& faults,
                    const Without& without) {
  const Judge judge(catalogue, places, faults, without);
  Survey out;
  out.of_cartridge_.reserve(catalogue.cartridges().size());
  std::unordered_map<PlaceSet, std::array<Number, 2>> numbers;  // [destroyed]
  for (const auto& cartridge : catalogue.cartridges()) {
    const Found found = judge.of(cartridge);
    Number& number =
        numbers.try_emplace(found.places, std::array{kNone, kNone}).first->second[found.destroyed ? 1 : 0];
    if (number == kNone) {
      number = static_cast<Number>(out.verdicts_.size());
      out.verdicts_.push_back(
          {found.places, recoverability::independent(places, found.places), found.destroyed});
    }
    out.of_cartridge_.push_back(number);
  }
  return out;
}

}  // namespace tapewarden::keymgr::recoverability
