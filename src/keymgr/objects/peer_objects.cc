#include "keymgr/objects/peer_objects.h"

#include "keymgr/incoming_row.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/managed_object.h"
#include "keymgr/objects/tables.h"
#include "keymgr/row_merge.h"
#include "kmip/limits.h"
#include "kmip/tags.h"

namespace tapewarden::keymgr {

using store::IncomingRow;
using store::RowOpinion;
using store::TableSpec;

namespace {

constexpr std::size_t kLongestSalt = 64;
constexpr std::int64_t kLargestCost = 1U << 30;
constexpr std::size_t kMostAttributeBytes = 1U << 20;  // what replication carries in one value

kmip::AttributeId fresh() {
  return kmip::AttributeId::of(kmip::tag::kFresh);
}

// Fresh goes from true to false once and never back, on whichever server the object was served first.
void merge_attributes(RowMerge& merge) {
  auto high = kmip::AttributeSet::decode(merge.high_blob("attributes"));
  auto low = kmip::AttributeSet::decode(merge.low_blob("attributes"));
  if (!high || !low) return merge.compare({"attributes"});
  for (const auto& [from, to] : {std::pair(&*high, &*low), std::pair(&*low, &*high)}) {
    const auto* said = from->find(fresh());
    const bool served = kmip::boolean_of(said) == std::optional(false);
    if (served && to->find(fresh()) != nullptr) to->set(fresh(), said->item);
  }
  merge.set_blob("attributes", high->encode());
  high->remove_all(fresh());
  low->remove_all(fresh());
  if (!(*high == *low)) merge.is_conflict();
}

}  // namespace

store::MergedRow merge_managed_objects(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                                       bool concurrent) {
  RowMerge merge(table, high, low);
  if (concurrent) merge.take_most("quarantined");  // hidden is the safer opinion
  merge.join_life();
  merge.take_most("changed");
  merge.keep_secret("secret");
  merge_attributes(merge);
  // One object that was imported at both servers has two makers, and two marks of one secret.
  for (const auto* column : {"server", "fingerprint"}) {
    if (!concurrent) break;
    merge.set_blob(column, std::max(merge.high_blob(column), merge.low_blob(column)));
  }
  merge.compare({"owner", "data_key", "content"});
  return merge.take();
}

namespace {

std::unexpected<Error> no(std::string why, std::string_view column) {
  return fail(ErrorCode::kPermissionDenied, std::move(why), std::string(column));
}

// A fingerprint says that there is a secret; an object with a data key has none of its own.
Status check_object_secret(const RowChecks& row, const IncomingRow& in) {
  const bool known = in.mine != nullptr && !row.my_blob("secret").empty();  // written once
  if (known) return {};
  if (row.blob("secret").empty()) return no("it is an object without the box for its secret", "secret");
  const auto secret = TRY(in.secret(kManagedObjectSecretColumn));
  if (!row.blob("data_key").empty()) {
    return secret.empty() ? Status() : no("it has a secret beside its data key", "secret");
  }
  if (row.blob("fingerprint").empty() == secret.empty()) return {};
  return no(secret.empty() ? "its secret is missing" : "it has a secret and says that it has none", "secret");
}

// The maker is the sender, or who it was: in another's name nobody makes objects.
Status check_maker(const RowChecks& row, const IncomingRow& in) {
  if (in.everything || row.is_senders("server")) return {};
  if (in.mine == nullptr || equal(row.my_blob("server"), row.blob("server"))) return {};
  return no("it names another server as its maker", "server");
}

}  // namespace

Status check_managed_object_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("id", {16}).bytes("server", {16}).bytes("data_key", {0, 16}).bytes("fingerprint", {0, 16});
  row.within("type", 1, 0xFFFFFFFF).within("state", 1, 6);
  row.canonical("owner", canonical_kmip_client(row.text("owner"), "owner"));
  row.most_bytes("content", kmip::kMaximumObjectBytes).most_bytes("attributes", kMostAttributeBytes);
  row.counts({"created", "activated", "deactivated", "compromised", "destroyed", "changed", "archived",
              "quarantined"});
  row.that(kmip::AttributeSet::decode(row.blob("attributes")).has_value(), "are none", "attributes");
  TRY(row.take());
  TRY(check_maker(row, in));
  const bool ends = is_tombstone(static_cast<KeyState>(row.integer("state")));
  const bool lives_here = in.mine != nullptr && !is_tombstone(static_cast<KeyState>(row.my_integer("state")));
  const bool has_secret = lives_here && !row.my_blob("fingerprint").empty();
  if (ends && has_secret) return no("it ends an object, which officers do", "state");
  row.that(!(ends && !row.blob("secret").empty()), "is there though it is destroyed", "secret");
  TRY(row.take());
  if (ends) return {};
  return check_object_secret(row, in);
}

Status check_kmip_client_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.canonical("name", canonical_kmip_client(row.text("name"), "name"));
  if (in.erased) return row.take();
  row.canonical("owner", canonical_kmip_client(row.text("owner"), "owner"));
  row.bytes("fingerprint", {32}).words({"user"}, kMaximumKmipClientName);
  for (const auto* cost : {"scrypt_n", "scrypt_r", "scrypt_p"}) row.within(cost, 0, kLargestCost);
  return row.most_bytes("salt", kLongestSalt).flag("rights").counts({"added"}).take();
}

}  // namespace tapewarden::keymgr
