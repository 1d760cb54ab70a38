#include "keymgr/recoverability/service.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/nearest_words.h"
#include "base/text.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::recoverability {
namespace {

constexpr std::string_view kServerPrefix = "server:";
constexpr std::string_view kTargetPrefix = "target:";
const std::string kHeard = "peer-heard";
constexpr std::chrono::minutes kLookAgain{
    10};  // though nothing changed: settling ends, the peer stays silent
constexpr std::size_t kLast = std::numeric_limits<std::size_t>::max();

bool same_for_counting(const Places& a, const Places& b) {
  const auto same = [](const Place& x, const Place& y) { return x.same_for_counting(y); };
  return std::ranges::equal(a.all, b.all, same) && a.left_out == b.left_out && a.shared == b.shared;
}

std::string named(const Place& place) {
  if (place.as_of == kNever) return place.name;
  return place.name + " (" + format_utc(place.as_of).substr(0, 10) + ")";
}

}  // namespace

std::string_view to_string(Alarms::Standing standing) {
  switch (standing) {
    case Alarms::Standing::kWell:
      return "well";
    case Alarms::Standing::kDestroyed:
      return "destroyed";
    case Alarms::Standing::kSettling:
      return "settling";
    case Alarms::Standing::kShort:
      return "short";
  }
  return "short";
}

// One cartridge of an answer, and its place in the order of answers.
struct Service::Weak {
  std::size_t independent = 0;  // kLast: its key was destroyed; those come last
  std::size_t places = 0;
  CartridgeId id{};
  Number number = 0;
  Alarms::Standing standing = Alarms::Standing::kWell;
  PlaceSet set;

  auto order() const { return std::tie(independent, places, id); }
  std::string mark() const {
    return std::to_string(independent) + "/" + std::to_string(places) + "/" + to_hex(id);
  }
  static Result<Weak> read(const std::string& text) {
    Weak out;
    const auto parts = split(text, '/');
    const auto id = parts.size() == 3 ? from_hex(parts[2]) : Result<Bytes>(Bytes());
    if (!id || id->size() != out.id.size()) {
      return fail(ErrorCode::kInvalidArgument, "this is no place in an answer", "after");
    }
    out.independent = TRY(parse_number(parts[0], 0, kLast, "after"));
    out.places = TRY(parse_number(parts[1], 0, kMaximumPlaces, "after"));
    copy_bytes(out.id, *id);
    return out;
  }
};

Service::Service(KeyManager& manager, ServiceOptions options)
    : manager_(manager),
      options_(std::move(options)),
      check_(manager, options_.backups, options_.first_check),
      feed_(manager),
      gatherer_(manager, options_.server_name, options_.backups, options_.peer),
      alarms_(manager, options_.log) {}

void Service::stop() {
  stopping_ = true;
  check_.stop();
}

std::unexpected<Error> Service::not_read_yet() const {
  return fail(ErrorCode::kUnavailable, "the ledger is still being read since the start", {},
              "ask again in a minute");
}

// To what was committed when it was called, however fast others go on.
Status Service::advance() {
  for (bool through = false; !through && !stopping_;) {
    const bool followed = feed_.following();
    auto batch = TRY(feed_.step());
    if (!batch) break;
    const MutexLock lock(mutex_);
    for (const auto& key : batch->keys) catalogue_.put(key);
    for (const auto& kek : batch->keks) catalogue_.put(kek);
    for (const auto& cartridge : batch->cartridges) catalogue_.put(cartridge);
    for (const auto& row : batch->damaged) {
      if (damaged_.size() < kFaultsKept) damaged_.insert(row);
    }
    through = followed && feed_.following();
  }
  complete_ = feed_.complete();
  return {};
}

// A note every few minutes, so that a start does not make a dead peer young again.
Status Service::note_heard() {
  const WallTime heard = gatherer_.heard();
  if (heard == kNever || heard - heard_noted_ < kHeardEvery) return {};
  TRY(manager_.keystore().write(
      [&](store::Transaction& t) -> Status { return save_note(t, kHeard, {to_millis(heard), {}}); }));
  heard_noted_ = heard;
  return {};
}

Status Service::count() {
  if (!heard_loaded_) {
    WallTime heard = kNever;
    TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
      if (const auto note = TRY(load_note(reader, kHeard))) heard = from_millis(note->number);
      return {};
    }));
    heard_before_ = heard_noted_ = heard;
    heard_loaded_ = true;
  }
  Places places = TRY(gatherer_.gather(heard_before_));
  std::size_t wanted = 0;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    wanted = TRY(parse_number(TRY(manager_.settings().get(reader, kWantedPlaces)), 0, kMaximumWantedPlaces,
                              kWantedPlaces));
    return {};
  }));
  Faults faults = TRY(check_.faults());
  const MutexLock lock(mutex_);
  const bool same = counts_made_ > 0 && counted_generation_ == catalogue_.generation() && wanted_ == wanted &&
                    faults_ == faults && same_for_counting(places_, places);
  places_ = std::move(places);  // dates change all the time
  if (same) return {};
  wanted_ = wanted;
  faults_ = std::move(faults);
  survey_ = Survey::make(catalogue_, places_, faults_);
  alarms_.remember(survey_, wanted_);
  counted_generation_ = catalogue_.generation();
  ++counts_made_;
  return {};
}

Status Service::refresh() {
  if (reading_) return not_read_yet();
  const MutexLock lock(feed_mutex_);
  TRY(advance());
  if (!complete_) return not_read_yet();
  return count();
}

std::string Service::volser_of(Number cartridge) {
  LedgerReference newest;
  {
    const MutexLock lock(mutex_);
    const auto& one = catalogue_.cartridges()[cartridge];
    newest = {catalogue_.servers()[one.server], one.sequence};
  }
  std::string out;
  const Status read = manager_.keystore().read([&](store::Reader& reader) -> Status {
    if (const auto entry = TRY(manager_.ledger().find(reader, newest))) out = entry->volser;
    return {};
  });
  return read && !out.empty() ? out : "without a volser";
}

Status Service::watch() {
  const MutexLock lock(feed_mutex_);
  reading_ = !complete_;
  const Status advanced = advance();
  reading_ = false;
  TRY(advanced);
  if (!complete_) return {};  // stopping
  TRY(count());
  TRY(note_heard());
  const WallTime now = manager_.context().now();
  Alarms::Found found;
  std::size_t wanted = 0;
  {
    const MutexLock catalogue_lock(mutex_);
    const bool due = looked_at_ != counts_made_ || now - looked_ >= kLookAgain || now < looked_;
    if (!due && !alarms_.unfinished()) return {};
    wanted = wanted_;
    found = alarms_.look(catalogue_, survey_, wanted, now);
    looked_at_ = counts_made_;
    looked_ = now;
  }
  return alarms_.tell(found, wanted, [this](Number cartridge) { return volser_of(cartridge); });
}

void Service::add_to(Counts& counts, const Catalogue::Cartridge& cartridge, Number number) const {
  const Verdict& verdict = survey_.of(number);
  ++counts.cartridges;
  switch (alarms_.standing(cartridge, number, verdict, wanted_, manager_.context().now())) {
    case Alarms::Standing::kDestroyed:
      ++counts.destroyed;
      return;
    case Alarms::Standing::kSettling:
      ++counts.settling;
      break;
    case Alarms::Standing::kShort:
      ++counts.short_of;
      break;
    case Alarms::Standing::kWell:
      break;
  }
  if (verdict.places.none()) ++counts.dead;
  ++counts.by_independent[verdict.independent];
}

Result<Overview> Service::overview() {
  TRY(refresh());
  Overview out;
  std::map<std::string, Uuid> servers;
  {
    const MutexLock lock(mutex_);
    out.wanted = wanted_;
    out.places_left_out = places_.left_out;
    for (const Place& place : places_.all) out.places.push_back({place});
    for (Number i = 0; i < survey_.size(); ++i) {
      add_to(out.site, catalogue_.cartridges()[i], i);
      const Verdict& verdict = survey_.of(i);
      if (verdict.destroyed) continue;
      for (std::size_t p = 0; p < out.places.size(); ++p) {
        if (!verdict.places.test(p)) continue;
        ++out.places[p].opens;
        if (verdict.independent == 1) ++out.places[p].alone;
      }
    }
  }
  out.check_under_way = check_.under_way();
  const auto peer = options_.peer ? options_.peer() : std::nullopt;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    for (PlaceView& view : out.places) {
      if (view.place.kind == PlaceKind::kServer) {
        view.check = TRY(check_of(reader, manager_.context().server));
      } else if (view.place.kind == PlaceKind::kPeer && peer) {
        view.check = TRY(check_of(reader, peer->id));
      }
    }
    return {};
  }));
  return out;
}

// KEKs by label, common name or the beginning of their hash. Places are numbered anew with each gathering, so
// they are looked up under the lock under which they are used.
Result<Service::Asked> Service::resolve(const std::vector<std::string>& words) {
  if (words.size() > kMaximumWithout) {
    return fail(ErrorCode::kInvalidArgument, "these are too many places at once", "without",
                "name at most " + std::to_string(kMaximumWithout));
  }
  Asked out;
  for (const std::string& text : words) {
    WithoutWord word = TRY(read_without(text));
    if (word.kind != "kek") {
      out.places.push_back(std::move(word));
      continue;
    }
    std::vector<Kek> keks;
    TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
      if (canonical_label(word.name)) keks = TRY(manager_.keks().find_by_label(reader, word.name));
      const auto hash = from_hex(word.name);
      if (!keks.empty() || !hash || hash->size() != Hash256{}.size()) return {};
      Hash256 id{};
      copy_bytes(id, *hash);
      if (auto kek = TRY(manager_.keks().find(reader, id))) keks.push_back(*std::move(kek));
      return {};
    }));
    if (keks.empty()) {
      return fail(ErrorCode::kNotFound, "there is no KEK " + escape_unprintable(word.name), "without",
                  "name it by a label or by its whole hash: `tapewarden kek list`");
    }
    for (const Kek& kek : keks) out.keks.push_back(kek.id);
  }
  return out;
}

Result<std::vector<Number>> Service::of_volser(const std::string& volser) {
  std::set<CartridgeId> ids;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    for (const auto& row :
         TRY(reader.query(kLedgerTable, "volser = ? LIMIT ?",
                          {to_upper(volser), static_cast<std::int64_t>(kRowsOfOneCartridge)}))) {
      ids.insert(cartridge_id(LedgerEntry::from_row(row)));
    }
    return {};
  }));
  std::vector<Number> out;
  const MutexLock lock(mutex_);
  for (const auto& id : ids) {
    if (const Number number = catalogue_.find(id); number < survey_.size()) out.push_back(number);
  }
  return out;
}

Result<CartridgeView> Service::view_of(store::Reader& reader, const Weak& weak,
                                       const std::vector<std::string>& places) const {
  CartridgeView out;
  LedgerReference newest;
  {
    const MutexLock lock(mutex_);
    const auto& cartridge = catalogue_.cartridges()[weak.number];
    newest = {catalogue_.servers()[cartridge.server], cartridge.sequence};
    out.pool = catalogue_.pools()[cartridge.pool];
    out.issued = from_millis(cartridge.issued);
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (weak.set.test(i)) out.places.push_back(places[i]);
  }
  out.independent = weak.independent == kLast ? 0 : weak.independent;
  out.standing = weak.standing;
  if (const auto entry = TRY(manager_.ledger().find(reader, newest))) {
    out.volser = entry->volser;
    out.volume = entry->volume;
  }
  return out;
}

Result<CartridgePage> Service::cartridges(const Question& question, const PageRequest& page) {
  TRY(refresh());
  std::optional<Weak> after;
  if (!page.after.empty()) after = TRY(Weak::read(page.after));
  const Asked asked = TRY(resolve(question.without));
  std::optional<std::vector<Number>> chosen;
  if (!question.volser.empty()) chosen = TRY(of_volser(question.volser));
  const std::size_t limit = std::min(page.limit, kMaximumPage);
  CartridgePage out;
  std::vector<Weak> weakest;
  std::vector<std::string> names;  // of the places, by number
  {
    const MutexLock lock(mutex_);
    for (const Place& place : places_.all) names.push_back(named(place));
    Without without{.places = {}, .keks = asked.keks};
    for (const auto& word : asked.places) without.places |= TRY(places_of(places_, word));
    std::optional<Survey> then;
    if (!question.without.empty()) then = Survey::make(catalogue_, places_, faults_, without);
    const WallTime now = manager_.context().now();
    for (Number i = 0; i < survey_.size(); ++i) {
      const auto& cartridge = catalogue_.cartridges()[i];
      const Verdict& verdict = survey_.of(i);
      if (chosen && std::ranges::find(*chosen, i) == chosen->end()) continue;
      const bool of_pool =
          question.pool.empty() || equal_ignoring_case(catalogue_.pools()[cartridge.pool], question.pool);
      if (!of_pool) continue;
      if (then && (verdict.destroyed || verdict.places.none() || then->of(i).places.any())) continue;
      ++out.total;
      Weak weak{
          verdict.destroyed ? kLast : verdict.independent,       verdict.places.count(), cartridge.id, i,
          alarms_.standing(cartridge, i, verdict, wanted_, now), verdict.places};
      if (after && weak.order() <= after->order()) continue;
      weakest.push_back(weak);
      if (weakest.size() < 4 * (limit + 1)) continue;
      std::ranges::nth_element(weakest, weakest.begin() + static_cast<std::ptrdiff_t>(limit), {},
                               &Weak::order);
      weakest.resize(limit + 1);
    }
  }
  std::ranges::sort(weakest, {}, &Weak::order);
  const bool more = weakest.size() > limit;
  if (more) weakest.resize(limit);
  if (more && limit > 0) out.page.next = weakest.back().mark();
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    for (const Weak& weak : weakest) out.page.items.push_back(TRY(view_of(reader, weak, names)));
    return {};
  }));
  return out;
}

Result<std::vector<PoolView>> Service::pools() {
  TRY(refresh());
  std::vector<PoolView> out;
  {
    const MutexLock lock(mutex_);
    for (const auto& name : catalogue_.pools()) out.push_back({name, {}});
    for (Number i = 0; i < survey_.size(); ++i) {
      const auto& cartridge = catalogue_.cartridges()[i];
      add_to(out[cartridge.pool].counts, cartridge, i);
    }
  }
  const auto least = [](const PoolView& view) {
    const auto& by = view.counts.by_independent;
    return std::tuple(by.empty() ? kLast : by.begin()->first, view.pool);
  };
  std::erase_if(out, [](const PoolView& view) { return view.counts.cartridges == 0; });
  std::ranges::sort(out, [&](const PoolView& a, const PoolView& b) { return least(a) < least(b); });
  return out;
}

Result<Service::Brief> Service::brief() {
  Brief out;
  out.short_of = alarms_.told();
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    out.check = TRY(check_of(reader, manager_.context().server));
    return {};
  }));
  return out;
}

// A place that is misspelt stays a domain of its own, which counts too much: so a slip of the pen is told.
// Targets of the other server are not known here: what is called "target:" may be one of those.
std::vector<std::string> Service::misnamed_places() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> known;
  for (const Place& place : places_.all) {
    const bool server = place.name.starts_with(kServerPrefix);
    known.push_back(server ? place.name.substr(kServerPrefix.size()) : place.name);
  }
  std::vector<std::string> out;
  for (const std::string& name : places_.misnamed) {
    if (to_lower(name).starts_with(kTargetPrefix)) continue;
    out.push_back("recoverability.domains names the place \"" + name +
                  "\", and there is none here: whatever was meant counts as a failure domain of its own; " +
                  nearest_words(name, known));
  }
  return out;
}

std::vector<std::string> Service::warnings() const {
  std::vector<std::string> out = alarms_.warnings();
  for (auto& text : misnamed_places()) out.push_back(std::move(text));
  for (auto& text : check_.warnings()) out.push_back(std::move(text));
  const MutexLock lock(mutex_);
  if (!damaged_.empty()) {
    out.push_back("recoverability passes over " + std::to_string(damaged_.size()) +
                  " damaged rows, so cartridges may be missing in it: " + *damaged_.begin() +
                  (damaged_.size() > 1 ? " and others" : ""));
  }
  return out;
}

}  // namespace tapewarden::keymgr::recoverability
