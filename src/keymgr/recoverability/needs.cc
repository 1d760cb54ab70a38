#include "keymgr/recoverability/needs.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "crypto/hash.h"
#include "keymgr/recoverability/limits.h"

namespace tapewarden::keymgr::recoverability {
namespace {

bool newer(const LedgerEntry& a, const LedgerEntry& b) {
  return std::tie(a.issued, a.server, a.sequence) > std::tie(b.issued, b.server, b.sequence);
}

bool begins_anew(const LedgerEntry& row) {
  return row.purpose == Purpose::kWrite && row.state == LedgerState::kConfirmed;
}

// EEDKs of this row came into being with it: a write, a rekey or an old manager's word. Reads and appends
// only tell which KEK opened.
bool makes_eedks(const LedgerEntry& row) {
  return row.purpose == Purpose::kWrite || row.purpose == Purpose::kRekey;
}
// By the ledger's own job (K9), without a drive: the cartridge keeps the EEDKs that it has.
bool stays_in_ledger(const LedgerEntry& row) {
  return row.purpose == Purpose::kRekey && row.drive.empty();
}

std::optional<eedk::DataKeyIdentifier> identifier_of(const LedgerEntry& row) {
  auto dki = row.dki.empty() ? eedk::DataKeyIdentifier::from_alias(row.alias)
                             : eedk::DataKeyIdentifier::from_tape(row.dki);
  if (!dki) return std::nullopt;
  return dki->folded();
}

std::string pool_of(const std::vector<LedgerEntry>& rows) {
  const auto written =
      std::ranges::find_if(rows, [](const LedgerEntry& row) { return row.purpose == Purpose::kWrite; });
  const LedgerEntry& row = written == rows.end() ? rows.front() : *written;
  if (row.method == Method::kIdentifiedKey) return row.group.empty() ? "none" : "group:" + row.group;
  return row.label_1.label.empty() ? "none" : "label:" + row.label_1.label;
}

// The KEKs of one data key.
class Opens {
 public:
  Status add(const LedgerEntry& row, bool on_cartridge,
             const std::function<Result<std::int64_t>(const LedgerEntry&)>& commit_of) {
    const std::int64_t since = on_cartridge ? 0 : TRY(commit_of(row));
    for (const Bytes* kek : {&row.kek_1, &row.kek_2}) {
      Hash256 id{};
      if (kek->size() != id.size()) continue;
      copy_bytes(id, *kek);
      const auto [at, is_new] = keks_.try_emplace(id, since);
      if (!is_new) at->second = std::min(at->second, since);
    }
    return {};
  }
  Need take() const {
    Need out;
    for (const auto& [kek, since] : keks_) out.keks.push_back({kek, since});
    return out;
  }

 private:
  std::map<Hash256, std::int64_t> keks_;
};

// `rows`: those of one key check value, newest first.
Result<Need> need_of(const std::vector<const LedgerEntry*>& rows,
                     const std::function<Result<std::int64_t>(const LedgerEntry&)>& commit_of) {
  Opens opens;
  const bool known = std::ranges::any_of(rows, [](const LedgerEntry* row) { return makes_eedks(*row); });
  bool replaced = false;
  for (const LedgerEntry* row : rows) {
    if (known && !makes_eedks(*row)) continue;
    const bool confirmed = row->state == LedgerState::kConfirmed;
    const bool by_a_drive = row->purpose == Purpose::kRekey && !stays_in_ledger(*row);
    // A rekey that no drive confirmed may have reached the cartridge or not: of neither its EEDKs nor those
    // before it is it known that they stand there.
    const bool in_doubt = by_a_drive && !confirmed;
    TRY(opens.add(*row, !replaced && !in_doubt && !stays_in_ledger(*row), commit_of));
    replaced = replaced || in_doubt || (row->purpose == Purpose::kRekey && confirmed);
  }
  return opens.take();
}

// What makes older rows unnecessary: of the same server all that are older, of another one those that are
// older by more than the clocks of two servers may be apart.
class Begun {
 public:
  void add(const LedgerEntry& row) {
    if (servers_.empty()) first_ = row.issued;
    servers_.insert(row.server);
  }
  bool before(const LedgerEntry& row) const { return servers_.contains(row.server); }
  bool all_before(const LedgerEntry& row) const {
    return !servers_.empty() && first_ - row.issued > kClocksApart;
  }

 private:
  std::set<Uuid> servers_;
  WallTime first_{};  // the newest
};

}  // namespace

CartridgeId cartridge_id(const LedgerEntry& entry) {
  if (!entry.volume.is_nil()) return entry.volume.bytes;
  CartridgeId out{};
  const Hash256 hash = crypto::sha256(as_bytes("volser " + to_upper(entry.volser)));
  copy_bytes(out, ByteView(hash).first(out.size()));
  return out;
}

Result<CartridgeFacts> facts_of(std::vector<LedgerEntry> rows,
                                const std::function<Result<std::int64_t>(const LedgerEntry&)>& commit_of) {
  std::ranges::sort(rows, newer);
  CartridgeFacts out;
  out.id = cartridge_id(rows.front());
  out.newest = {rows.front().server, rows.front().sequence};
  out.issued = rows.front().issued;
  out.pool = pool_of(rows);
  std::set<eedk::DataKeyIdentifier> data_keys;
  std::map<Bytes, std::vector<const LedgerEntry*>> wrapped;
  bool unknown = false;
  Begun begun;
  for (const LedgerEntry& row : rows) {
    if (begun.all_before(row)) break;
    if (begun.before(row)) continue;
    if (begins_anew(row)) begun.add(row);
    if (row.method == Method::kWrappedKey) {
      // An old manager's record names no check value; where this server knows the key itself, that tells
      // more.
      if (row.kcv.empty() && !wrapped.empty()) continue;
      wrapped[row.kcv].push_back(&row);
    } else if (const auto dki = identifier_of(row)) {
      data_keys.insert(*dki);
    } else {
      unknown = true;
    }
  }
  for (const auto& dki : data_keys) out.needs.push_back({dki, {}});
  for (const auto& [kcv, of_one] : wrapped) out.needs.push_back(TRY(need_of(of_one, commit_of)));
  if (unknown) out.needs.push_back({});
  return out;
}

}  // namespace tapewarden::keymgr::recoverability
