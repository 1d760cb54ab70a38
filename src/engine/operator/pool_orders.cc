#include "engine/operator/pool_orders.h"

#include "base/counted.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/clear_refusal.h"

namespace tapewarden::engine {
namespace {

template <typename T>
void take(const std::optional<T>& given, T& into) {
  if (given) into = *given;
}

// All that decides which keys the pool's cartridges get.
bool same_keys(const Pool& a, const Pool& b) {
  return a.encryption == b.encryption && a.labels == b.labels && a.key_group == b.key_group;
}

struct CheckedNames {
  bool checked = true;  // else they are accepted unchecked
  std::vector<std::string> notes{};
};

Result<CheckedNames> check_names(const OperatorParts& parts, const Pool& pool, bool unchecked) {
  auto known = check_keys(parts.names, pool);
  if (known) return CheckedNames{.notes = *std::move(known)};
  if (known.error().code != ErrorCode::kUnavailable) return std::unexpected(known.error());
  if (unchecked) return CheckedNames{.checked = false};
  Error error = known.error();
  if (error.field.empty()) error.field = "key server";
  error.remedy =
      "bring a key server back; or say that the names are to be taken unchecked: a cartridge then "
      "cannot be begun when they are wrong";
  return std::unexpected(std::move(error));
}

Result<std::uint64_t> written_cartridges(CatalogueView& view, std::uint8_t pool) {
  std::int64_t count = 0;
  for (const auto& total : TRY(view.cartridge_totals()))
    if (total.key.pool == pool && total.key.state != CartridgeState::kScratch) count += total.sums.cartridges;
  return static_cast<std::uint64_t>(count);
}

std::vector<std::string> notes_of(const Pool& before, const Pool& after, std::uint64_t written,
                                  const CheckedNames& names) {
  std::vector<std::string> notes;
  if (!same_keys(before, after)) {
    notes.emplace_back(
        "encryption settings take effect when a cartridge of the pool is next written from its beginning");
    if (written > 0)
      notes.push_back(counted(written, "cartridge") +
                      " of the pool stay as they were written, and their keys stay needed, until they are "
                      "reclaimed and written again");
  }
  if (after.encryption == PoolEncryption::kHeld)
    notes.emplace_back(
        "the pool is held: nothing is written for it until its encryption is set (off, wrapped or "
        "identified)");
  if (before.media != after.media)
    notes.push_back("new cartridges of the pool are " + std::string(to_string(after.media)) +
                    "; those of the other medium are read as before and not begun anew here");
  if (!names.checked)
    notes.emplace_back("no key server could be asked: labels and key group were taken unchecked");
  notes.insert(notes.end(), names.notes.begin(), names.notes.end());
  return notes;
}

// The leave belongs to the settings with which it was given.
Status settle_leave(CatalogueView& view, const Pool& before, Pool& after, const PoolChange& change) {
  const bool same = before.reclaim_pool == after.reclaim_pool && before.encryption == after.encryption;
  if (!same) after.clear_reclaim_pool = 0;
  if (after.number == kCommonPool) return {};
  const auto target = TRY(view.pool(after.reclaim_pool));
  if (!needs_clear_leave(after, target)) return {};
  if (change.leave == ClearLeave::kYes) after.clear_reclaim_pool = after.reclaim_pool;
  if (same || after.clear_reclaim_pool == after.reclaim_pool) return {};
  return refuse_clear("reclaimed data", after, target, "reclaim_pool");
}

// Others that are reclaimed into this one: what they hold stays encrypted.
Status add_held(CatalogueView& view, const Pool& after, std::vector<std::string>& notes) {
  for (const auto& other : TRY(view.pools()))
    if (other.number != kCommonPool && other.reclaim_pool == after.number &&
        needs_clear_leave(other, after) && other.clear_reclaim_pool != after.number)
      notes.push_back("pool " + std::to_string(other.number) +
                      " encrypts and is reclaimed into this pool: that is held until it has another reclaim "
                      "pool, or is set with --allow-clear");
  return {};
}

std::unexpected<Error> changed_meanwhile(std::uint8_t number) {
  return fail(ErrorCode::kConflict,
              "somebody changed the encryption of pool " + std::to_string(number) + " meanwhile",
              "encryption", "look at the pool, and say it again");
}

}  // namespace

Pool PoolChange::applied_to(Pool pool) const {
  take(name, pool.name);
  take(media, pool.media);
  take(borrow, pool.borrow);
  take(reclaim_pool, pool.reclaim_pool);
  take(encryption, pool.encryption);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    take(labels.at(i), pool.labels.at(i).text);
    take(modes.at(i), pool.labels.at(i).mode);
  }
  take(key_group, pool.key_group);
  take(secure_erase_days, pool.secure_erase_days);
  take(threshold_percent, pool.reclaim.threshold_percent);
  take(days_without_access, pool.reclaim.days_without_access);
  take(days_since_written, pool.reclaim.days_since_written);
  take(days_without_inactivation, pool.reclaim.days_without_inactivation);
  take(max_active_percent, pool.reclaim.max_active_percent);
  take(max_drives, pool.max_drives);
  return pool;
}

Status check_method(const Pool& pool) {
  const bool lto = pool.media == MediumKind::kLto;
  if (pool.encryption == PoolEncryption::kWrapped && lto)
    return fail(ErrorCode::kInvalidArgument, "LTO drives take no keys wrapped to labels", "encryption",
                "use identified with a key group, or 3592 media");
  if (pool.encryption == PoolEncryption::kIdentified && !lto)
    return fail(ErrorCode::kInvalidArgument, "3592 drives take no keys of a key group", "encryption",
                "use wrapped with one or two labels, or LTO media");
  return {};
}

Result<std::vector<std::string>> check_keys(KeyNameCheck& names, const Pool& pool) {
  if (pool.encryption == PoolEncryption::kOff || pool.encryption == PoolEncryption::kHeld)
    return std::vector<std::string>{};
  if (pool.encryption == PoolEncryption::kIdentified) return names.check_group(pool.key_group);
  std::vector<std::string> labels;
  for (const auto& label : pool.labels)
    if (!label.text.empty()) labels.push_back(label.text);
  return names.check_labels(labels);
}

Result<ChangedPool> set_pool(const OperatorParts& parts, std::uint8_t number, const PoolChange& change) {
  Pool seen;
  TRY(parts.catalogue.read([&](CatalogueView& view) -> Status {
    seen = TRY(view.pool(number));
    return {};
  }));
  const Pool wanted = change.applied_to(seen);
  TRY(check(wanted));
  TRY(check_method(wanted));
  CheckedNames names;
  if (!same_keys(seen, wanted)) names = TRY(check_names(parts, wanted, change.unchecked));
  ChangedPool done;
  TRY(parts.catalogue.change([&](CatalogueChange& change_now) -> Status {
    const Pool before = TRY(change_now.pool(number));
    if (!same_keys(before, seen)) return changed_meanwhile(number);
    done.pool = change.applied_to(before);
    TRY(check_method(done.pool));
    TRY(settle_leave(change_now, before, done.pool, change));
    done.notes = notes_of(before, done.pool, TRY(written_cartridges(change_now, number)), names);
    TRY(add_held(change_now, done.pool, done.notes));
    return change_now.put(done.pool);
  }));
  parts.wake_up();
  return done;
}

}  // namespace tapewarden::engine
