#include "keymgr/epoch.h"

#include <algorithm>
#include <array>

#include "keymgr/audit_note.h"
#include "keymgr/key_groups.h"
#include "keymgr/ledger.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::string_view kEpochNote = "epoch";
constexpr std::string_view kStartNote = "epoch start";

Result<std::int64_t> counter(store::Reader& reader, std::string_view name) {
  const auto row = TRY(reader.get(kLocalCounterTable, {std::string(name)}));
  return row ? store::integer(*row, 1) : std::int64_t{0};
}

Status set_counter(store::Transaction& transaction, std::string_view name, std::int64_t value) {
  return transaction.put(kLocalCounterTable, RowWriter(kLocalCounterTable).text(name).integer(value).take());
}

Result<ServerRow> server_row(store::Reader& reader, const Uuid& server) {
  const auto row = TRY(reader.get(kServerTable, {to_bytes(server.view())}));
  if (row) return ServerRow::from_row(*row);
  return fail(ErrorCode::kNotFound, "no server " + server.text() + " is known here", "server",
              "list the servers to see their names");
}

Result<std::int64_t> first_sequence(const ServerContext& context, std::int64_t epoch) {
  std::array<std::uint8_t, 8> drawn;
  context.env.random->fill(drawn);
  const std::uint64_t place =
      TRY(ByteReader(drawn).u64("place")) % static_cast<std::uint64_t>(first_of_epoch(1) / 2);
  return first_of_epoch(epoch) + static_cast<std::int64_t>(place);
}

Status act_in(store::Transaction& transaction, const ServerContext& context, std::int64_t epoch) {
  TRY(set_counter(transaction, kEpochNote, epoch));
  TRY(set_counter(transaction, kStartNote, static_cast<std::int64_t>(transaction.sequence())));
  TRY(Ledger::begin_sequences(transaction, TRY(first_sequence(context, epoch))));
  TRY(KeyGroups::begin_positions(transaction, context, first_of_epoch(epoch)));
  return KeyGroups::recount(transaction, context);
}

void audit(store::Transaction& transaction, const ServerContext& context, const Actor& actor,
           std::string_view action, const ServerRow& server) {
  note(
      transaction, context,
      {.type = AuditType::kConfigurationManagement,
       .action = action,
       .actor = actor,
       .fields = {{"id", server.id.text()}, {"name", server.name}, {"epoch", std::to_string(server.epoch)}}});
}

Status check_epoch(std::int64_t epoch) {
  if (epoch <= kMaximumEpoch) return {};
  return fail(ErrorCode::kExhausted, "the server has begun too many epochs", "server",
              "make a new server in its place");
}

}  // namespace

Result<Incarnation> own_incarnation(store::Reader& reader, const Uuid& self) {
  Incarnation out;
  out.installation = TRY(server_row(reader, self)).installation;
  out.epoch = TRY(counter(reader, kEpochNote));
  out.start = static_cast<std::uint64_t>(TRY(counter(reader, kStartNote)));
  return out;
}

Result<std::int64_t> own_epoch(store::Reader& reader) {
  return counter(reader, kEpochNote);
}

Status begin_epoch(store::Transaction& transaction, const ServerContext& context, const Actor& actor) {
  ServerRow server = TRY(server_row(transaction, context.server));
  server.epoch = std::max(server.epoch, TRY(own_epoch(transaction))) + 1;
  TRY(check_epoch(server.epoch));
  std::array<std::uint8_t, 4> installation;
  context.env.random->fill(installation);
  server.installation = TRY(ByteReader(installation).u32("installation"));
  TRY(transaction.put(kServerTable, server.to_row()));
  TRY(act_in(transaction, context, server.epoch));
  audit(transaction, context, actor, "server.begin-epoch", server);
  return {};
}

Status raise_epoch(store::Transaction& transaction, const ServerContext& context, const Actor& actor,
                   const Uuid& id) {
  if (id == context.server) {
    return fail(ErrorCode::kInvalidArgument, "this is the server itself: another one is taken over",
                "server");
  }
  ServerRow server = TRY(server_row(transaction, id));
  ++server.epoch;
  TRY(check_epoch(server.epoch));
  TRY(transaction.put(kServerTable, server.to_row()));
  audit(transaction, context, actor, "server.promote", server);
  return {};
}

Status raise_epoch_above(store::Transaction& transaction, const ServerContext& context, const Actor& actor,
                         const Uuid& id, std::int64_t epoch) {
  const auto row = TRY(transaction.get(kServerTable, {to_bytes(id.view())}));
  if (!row) return {};
  ServerRow server = ServerRow::from_row(*row);
  if (server.epoch > epoch) return {};
  server.epoch = epoch + 1;
  TRY(check_epoch(server.epoch));
  TRY(transaction.put(kServerTable, server.to_row()));
  audit(transaction, context, actor, "server.raise-epoch", server);
  return {};
}

Status obey_epoch(store::Transaction& transaction, const ServerContext& context) {
  const ServerRow server = TRY(server_row(transaction, context.server));
  if (server.epoch <= TRY(own_epoch(transaction))) return {};
  TRY(act_in(transaction, context, server.epoch));
  audit(transaction, context, Actor::system(), "server.obey-epoch", server);
  return {};
}

}  // namespace tapewarden::keymgr
