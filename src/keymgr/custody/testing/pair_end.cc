#include "keymgr/custody/testing/pair_end.h"

#include <future>

#include "keymgr/custody/rewrite.h"
#include "keymgr/epoch.h"

namespace tapewarden::keymgr::testing {

PairParties parties_of(KeyManager& self, const KeyManager& other) {
  const ServerContext& mine = self.context();
  const ServerContext& theirs = other.context();
  PairParties out;
  out.self = mine.server;
  out.peer = theirs.server;
  out.signing_key = mine.signing_key;
  out.exchange_key = mine.exchange_key;
  out.peer_signing_key = theirs.signing_key.public_key();
  out.peer_exchange_key = theirs.exchange_key.public_key();
  out.take_in = [&self](store::Transaction& t, const store::ApplyReport& report) {
    return self.take_in(t, report);
  };
  out.refused = [&self](store::Transaction& t, std::span<const RefusedRow> rows) {
    return self.note_refused(t, rows);
  };
  out.rewritten = rewritten_tables();
  out.now = [&self] { return self.context().now(); };
  out.incarnation = [id = mine.server](store::Reader& reader) { return own_incarnation(reader, id); };
  return out;
}

Result<Bytes> DirectWire::post(std::string_view path, ByteView body) {
  PairEnd* other = to;
  if (cut || other == nullptr) return fail(ErrorCode::kUnavailable, "the wire is cut");
  if (path == "hello") return other->replicator->handle_hello(body);
  if (path == "compare") return other->comparer->handle_question(body);
  std::promise<Result<Bytes>> answered;
  const auto done = [&](Result<Bytes> answer) { answered.set_value(std::move(answer)); };
  if (path == "compared") {
    other->comparer->handle_report(body, done);
  } else if (path == "changes") {
    other->replicator->handle_changes(to_bytes(body), done);
  } else {
    return fail(ErrorCode::kNotFound, "a peer has no such path", "path");
  }
  return answered.get_future().get();
}

void PairEnd::meet(Env env, store::Keystore& keystore, KeyManager& self, const KeyManager& other,
                   const PairPace& pace) {
  ReplicatorOptions replicating;
  replicating.peer_name = "peer";
  replicating.parties = parties_of(self, other);
  replicating.keepalive = pace.keepalive;
  replicating.retry = pace.retry;
  ComparerOptions comparing;
  comparing.self = self.context().server;
  comparing.peer = other.context().server;
  comparing.peer_name = "peer";
  comparing.look = pace.look;
  comparing.again = pace.again;
  comparer.reset();
  replicator = std::make_unique<Replicator>(env, keystore, std::move(replicating), wire);
  comparer = std::make_unique<Comparer>(env, self, *replicator, wire, std::move(comparing));
}

void PairEnd::stop() {
  if (comparer) comparer->stop();
  if (replicator) replicator->stop();
}

void PairEnd::part(store::Keystore& keystore) {
  stop();
  keystore.set_gate(nullptr);
  (void)keystore.write([](store::Transaction&) -> Status { return {}; });
  comparer.reset();
}

void connect(PairEnd& a, PairEnd& b) {
  a.wire.to = &b;
  b.wire.to = &a;
  a.wire.cut = b.wire.cut = false;
}

void disconnect(PairEnd& a, PairEnd& b) {
  a.wire.cut = b.wire.cut = true;
  a.stop();
  b.stop();
}

}  // namespace tapewarden::keymgr::testing
