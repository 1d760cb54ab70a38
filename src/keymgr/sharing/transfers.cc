#include "keymgr/sharing/transfers.h"

#include <algorithm>

#include "keymgr/row_codec.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/tables.h"

namespace tapewarden::keymgr::sharing {

std::string_view to_string(Direction direction) {
  return direction == Direction::kGiven ? "given" : "received";
}

store::Row Transfer::to_row() const {
  return RowWriter(kTransferTable)
      .uuid(file)
      .number_of(direction)
      .text(partner)
      .blob(fingerprint)
      .uuid(server)
      .integer(keys)
      .integer(added)
      .integer(kept_both)
      .integer(merged)
      .integer(refused)
      .time(made)
      .time(began)
      .time(ended)
      .text(by)
      .text(approved_by)
      .take();
}

Transfer Transfer::from_row(const store::Row& row) {
  RowReader in(kTransferTable, row);
  Transfer out;
  out.file = in.uuid();
  out.direction = in.enumeration<Direction>();
  out.partner = in.text();
  out.fingerprint = in.array<32>();
  out.server = in.uuid();
  out.keys = in.integer();
  out.added = in.integer();
  out.kept_both = in.integer();
  out.merged = in.integer();
  out.refused = in.integer();
  out.made = in.time();
  out.began = in.time();
  out.ended = in.time();
  out.by = in.text();
  out.approved_by = in.text();
  return out;
}

Result<std::optional<Transfer>> find_transfer(store::Reader& reader, const Uuid& file, Direction direction) {
  const auto row =
      TRY(reader.get(kTransferTable, {to_bytes(file.view()), static_cast<std::int64_t>(direction)}));
  if (!row) return std::optional<Transfer>();
  return std::optional(Transfer::from_row(*row));
}

Result<std::vector<Transfer>> list_transfers(store::Reader& reader) {
  std::vector<Transfer> out;
  for (const auto& row : TRY(reader.query(kTransferTable, "1 ORDER BY began DESC, file, direction LIMIT ?",
                                          {static_cast<std::int64_t>(kMaximumTransfers)}))) {
    out.push_back(Transfer::from_row(row));
  }
  return out;
}

Status put_transfer(store::Transaction& transaction, const Transfer& transfer) {
  return transaction.put(kTransferTable, transfer.to_row());
}

Status put_transfer_keys(store::Transaction& transaction, const Transfer& transfer, std::int64_t number,
                         std::span<const KeyFingerprint> keys) {
  Bytes all;
  all.reserve(keys.size() * sizeof(KeyFingerprint));
  for (const auto& key : keys) all.insert(all.end(), key.begin(), key.end());
  return transaction.put(kTransferKeysTable, RowWriter(kTransferKeysTable)
                                                 .uuid(transfer.file)
                                                 .number_of(transfer.direction)
                                                 .integer(number)
                                                 .blob(all)
                                                 .take());
}

Result<std::vector<Transfer>> transfers_of(store::Reader& reader, const KeyFingerprint& key) {
  std::vector<Transfer> out;
  for (const auto& row :
       TRY(reader.query(kTransferKeysTable, "instr(fingerprints, ?) > 0 ORDER BY file, direction LIMIT ?",
                        {to_bytes(ByteView(key)), static_cast<std::int64_t>(kMaximumTransfers)}))) {
    RowReader in(kTransferKeysTable, row);
    const Uuid file = in.uuid();
    auto transfer = TRY(find_transfer(reader, file, in.enumeration<Direction>()));
    if (transfer) out.push_back(*std::move(transfer));
  }
  std::ranges::sort(out, {}, &Transfer::began);
  return out;
}

}  // namespace tapewarden::keymgr::sharing
