// The key server's end of KMIP: bytes in, bytes out, no socket (K21). A message's batch is carried out in its
// order, with an ID placeholder of its own.
//
// Invariants
//  E1 A message whose operations write is one transaction; so what one item made, the next one finds, and the
//     answer leaves when the commit is durable and, with a peer in step, when the peer has it.
//  E2 No answer leaves before the audit records of its items are durable.
//  E3 An item that failed has changed nothing. With Batch Error Continuation Option Undo, a batch with a
//     failure has changed nothing at all.
//  E4 Whatever the bytes are, there is an answer, and the engine goes on.
//  E5 Who is no registered client gets nothing but a refusal. It is recorded, as often as RefusalRecords
//  says.
//  E6 Where there is an old key server to ask (K20), nobody is told that there is no such object before it
//     was asked. Meanwhile no snapshot and no transaction is open, and the calling thread goes on.
// Thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "base/env.h"
#include "keymgr/key_factory.h"
#include "keymgr/key_manager.h"
#include "keymgr/refusal_records.h"
#include "kmip/read_through.h"
#include "kmip/server/settings.h"

namespace tapewarden::kmip {

// Who is at the other end of the connection.
struct Peer {
  Hash256 fingerprint{};  // of its certificate
  std::string name;       // the certificate's common name
  std::string address;
  bool expired =
      false;  // its certificate is out of its time: it reads, and neither makes nor changes anything
};

class Engine {
 public:
  using Reply = std::function<void(Bytes answer)>;

  // Borrows the manager; `factory` and `read_through` may be nullptr.
  Engine(keymgr::KeyManager& manager, keymgr::KeyFactory* factory, ServerSettings settings,
         ReadThrough* read_through = nullptr);
  // REQUIRES: no message under way.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // One whole message, which is wiped. Runs on a thread that may take a while. `reply` runs once: there, on
  // the executor or on the keystore's writer; it must not block.
  void handle(Bytes message, const Peer& peer, Reply reply);
  // Likewise, from a thread that many wait for: a network's. What is short is carried out there at once,
  // which saves two changes of threads; all else goes to the executor.
  void receive(Bytes message, const Peer& peer, Reply reply);
  // The answer to bytes that begin no message, or to one that is too long.
  Bytes refuse(const Error& error) const;

  store::Keystore::Announcement announce() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::kmip
