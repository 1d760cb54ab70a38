#include <memory>

#include "admin/keyd/challenge_book.h"
#include "admin/keyd/kek_lookup.h"
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "base/base64.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

Result<Answer> challenge(KeyManager& manager, ChallengeBook& book, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  auto made = TRY(manager.challenge_kek(id));
  const std::string wrapped = to_base64(made.wrapped);
  return json_answer(json::object{{"challenge", book.keep(id, std::move(made))}, {"wrapped", wrapped}}, 201);
}

// The answer comes as hex: what `openssl pkeyutl -decrypt` gives, made printable.
Result<crypto::SecretBytes> answer_of(const Request& request) {
  const auto& text = request.arguments.secret("answer");
  auto bytes = from_hex(as_text(text.reveal()));
  if (!bytes) return fail(ErrorCode::kInvalidArgument, "the answer is not hex", "answer", "give hex digits");
  auto secret = crypto::SecretBytes::copy_of(*bytes);
  crypto::wipe(*bytes);
  return secret;
}

Result<Answer> prove(KeyManager& manager, ChallengeBook& book, const Request& request) {
  const Hash256 id = TRY(find_kek_id(manager, request.arguments.text("kek")));
  const auto answer = TRY(answer_of(request));
  const auto open = TRY(book.take(request.arguments.text("challenge"), id));
  TRY(manager.prove_kek(actor_of(request.principal), id, open, answer));
  return json_answer(to_json(TRY(manager.kek(id))));
}

}  // namespace

std::vector<Route> kek_proof_routes(KeyManager& manager) {
  RouteTable table("kek");
  const auto book = std::make_shared<ChallengeBook>(manager.context().env);
  table.add("POST", "/v1/keks/{kek}/challenge", Permission::kChangeKeks,
            "Begin the proof that somebody elsewhere holds the private half.", {},
            "The challenge's number, and what its holder must unwrap: base64.",
            [&manager, book](const Request& request) { return challenge(manager, *book, request); });
  table.add("POST", "/v1/keks/{kek}/proof", Permission::kChangeKeks,
            "End that proof: writing to this KEK alone is allowed from then on.",
            {{.name = "challenge", .required = true, .meaning = "the challenge's number", .limit = 36},
             {.name = "answer",
              .type = FieldType::kSecret,
              .required = true,
              .meaning = "what the holder unwrapped, in hex",
              .limit = 1024}},
            "The KEK.", [&manager, book](const Request& request) { return prove(manager, *book, request); });
  return table.take();
}

}  // namespace tapewarden::admin
