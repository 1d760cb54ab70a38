// A KMIP message under way: what came, what became of its items, and who waits for the answer. Shared by the
// tasks that carry it; one of them at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/secret_bytes.h"
#include "crypto/wiped_bytes.h"
#include "kmip/message.h"
#include "kmip/server/elsewhere.h"
#include "kmip/server/engine.h"
#include "kmip/server/operation.h"
#include "kmip/server/tickets.h"

namespace tapewarden::kmip {

struct Job {
  Bytes message;  // what the document looks into
  ttlv::Document document;
  RequestMessage request;
  Peer peer;
  Engine::Reply reply;
  keymgr::KmipClient client;
  // The ticket that stands for the client's password, and when that client was registered.
  std::optional<Hash256> ticket;
  WallTime ticket_of{};

  // What became of the items: made anew by each run.
  struct Note {
    std::string_view action;
    bool success = false;
    bool key_left = false;
    bool unrecorded = false;
    AuditFields fields;
  };
  std::vector<BatchAnswer> answers;
  std::vector<Note> notes;
  std::vector<Uuid> served;
  StreamChanges streams;
  TicketChanges tickets;
  std::optional<Error> undone;         // the failure that undid the batch
  bool too_large = false;              // the answer: then nothing is done either
  std::map<std::size_t, Drawn> drawn;  // by the items' places
  // Items that failed in an earlier run, by their places: what they had written by then is undone by running
  // the others alone.
  std::map<std::size_t, Error> refused;
  Elsewhere elsewhere;
  std::string brought_from;  // the old server whose object this message brings; empty: it is a client's own
  crypto::WipedBytes prepared;  // the answer, before it is durable; empty: made afterwards
  bool brief = false;           // carried out on a network's thread
  std::string correlation;      // Server Correlation Value
  std::uint64_t number = 0;     // of the message

  ~Job() {
    crypto::wipe(message);
    for (auto& answer : answers) crypto::wipe(answer.payload);
  }
};

}  // namespace tapewarden::kmip
