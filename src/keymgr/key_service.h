// Answers drives (K4, K6, K7, K8, K9, K11, K12): from a request to a wrapped key.
//
// Each request goes through four steps; the heavy ones never run on the keystore's writer thread:
//   read      who is it, what may it do, what does the tape hold          keystore.read(), caller
//   prepare   unwrap EEDKs or draw a data key and wrap it to the KEKs     caller
//   commit    check again what may have changed, choose the key, move     keystore.submit(), writer thread
//             the cursor, write ledger and audit rows
//   finish    wrap the key for the drive                                  executor
//
// Invariants
//  I1 No answer and no refusal leaves before its audit record is durable. Of an exchange that waits for a
//     backup the first refusal is recorded, and when it is served how long it waited (wait_book.h). Of a
//     caller that is refused again and again the records are bounded, and tell how many they stand for
//     (refusal_records.h).
//  I2 A data key lives in SecretBytes, for one request; it is never cached.
//  I3 A SEDK is wrapped only to the wrapping key pinned for the drive.
//  I4 All failures to unwrap an EEDK look alike and take like work.
//  I5 Only EEDKs that a known server sealed, or that the ledger holds, are appended to or rekeyed.
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "keymgr/key_factory.h"
#include "keymgr/key_manager.h"
#include "keymgr/key_request.h"
#include "keymgr/wait_book.h"

namespace tapewarden::keymgr {

class KeyService {
 public:
  using Completion = std::function<void(Result<KeyAnswer>)>;

  // Borrows the manager; `factory` may be nullptr.
  KeyService(KeyManager& manager, KeyFactory* factory);
  // REQUIRES: no request under way.
  ~KeyService();
  KeyService(const KeyService&) = delete;
  KeyService& operator=(const KeyService&) = delete;

  // Errors carry an EKM code (eedk/ekm_code.h) in Error::detail. kUnavailable beyond
  // kMaximumRequestsInFlight. The first two steps run on the calling thread, which must be one that may take
  // a while, as the executor's; the completion runs on the executor.
  void handle(KeyRequest request, Completion completion);

  // Says that a request has arrived and will be handled, until what it returns is gone: requests that arrive
  // together then share a commit (Keystore::announce).
  store::Keystore::Announcement announce() const;

  // For a pool's settings (T3): which labels and groups are known here, would be served for writing to this
  // caller, and are held by the peer. Labels that are asked for together are those of one pool. Waits for no
  // commit.
  Result<std::vector<NameStatus>> check_labels(const Caller& caller, std::span<const std::string> labels,
                                               std::span<const std::string> groups);

  // Takes private halves out of memory that the keystore no longer has. Done by itself when a KEK's state is
  // changed here; to be called when rows came from the peer.
  void drop_stale_keys();

  struct Counts {
    std::uint64_t served = 0;
    std::uint64_t refused = 0;
    std::uint64_t in_flight = 0;
    std::size_t private_halves = 0;  // of KEKs, in memory
    WaitBook::Summary waiting = {};  // for a backup
  };
  Counts counts() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::keymgr
