#include "dkx/types.h"

#include <array>

#include "base/assert.h"
#include "dkx/tags.h"

namespace tapewarden::dkx {

std::string_view to_string(Intent intent) {
  static constexpr std::array<std::string_view, 9> kNames{
      "", "hello", "ping", "check-labels", "write-from-beginning", "append", "read", "rekey", "confirm"};
  return kNames.at(static_cast<std::size_t>(intent));
}

std::string_view to_string(DriveKind kind) {
  return kind == DriveKind::kLto ? "LTO" : "3592";
}

void write(ttlv::Writer& out, const LedgerReference& reference) {
  TW_ASSERT(reference.sequence <= INT64_MAX);
  out.begin(kTagLedger).add_bytes(kTagLedgerServer, reference.server.view());
  out.add_long_integer(kTagLedgerSequence, static_cast<std::int64_t>(reference.sequence)).end();
}

Result<LedgerReference> read_ledger_reference(ttlv::Cursor& outer) {
  auto in = TRY(outer.structure(kTagLedger));
  LedgerReference out;
  out.server = Uuid{TRY(in.array<16>(kTagLedgerServer))};
  out.sequence = TRY(in.unsigned_integer(kTagLedgerSequence));
  TRY(in.finish());
  return out;
}

}  // namespace tapewarden::dkx
