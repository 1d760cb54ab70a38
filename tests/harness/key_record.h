// What key servers have acknowledged to the drives of a test, and the proof that nothing of it is lost.
// Thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "harness/key_load.h"

namespace tapewarden::testing {

class KeyRecord {
 public:
  explicit KeyRecord(const TestDrive& drive) : drive_(drive) {}

  // A sink for KeyLoad: keeps granted keys, counts refusals by code.
  KeyLoad::Sink sink();
  void add(const dkx::KeyRequest& request, const dkx::AnswerBody& body);

  std::size_t acknowledged() const;
  std::size_t refused() const { return refused_; }
  std::string last_refusal() const;
  // Opens the SEDKs that are not open yet. Errors when one does not open or is not the right key.
  Status open_all();

  struct Loss {
    std::size_t unreadable = 0;  // the server refuses to read it
    std::size_t wrong_key = 0;   // it gives another key
    std::size_t no_ledger = 0;   // no ledger row for the volume, or not the one acknowledged
    std::size_t not_confirmed = 0;
    std::string first;  // in words
    std::size_t all() const { return unreadable + wrong_key + no_ledger + not_confirmed; }
  };
  // Asks this server for everything from number `from` on: by reading with the drive and in the ledger.
  Result<Loss> verify(TestSite& site, Which which, std::size_t from = 0);

  // Aliases that were handed out for more than one volume.
  std::vector<std::string> handed_out_twice() const;
  // A granted write that waits to be confirmed, once each.
  std::optional<dkx::KeyRequest> next_confirm();

  struct Entry {
    dkx::KeyRequest request;
    dkx::KeyAnswer answer;
    crypto::SecretBytes key;
    bool confirmed = false;
  };
  // Calls with each entry, in the order of acknowledgement.
  void for_each(const std::function<void(const Entry&)>& visit) const;

 private:
  Status verify_key(DriveLink& link, const Entry& entry, Loss& loss) const;
  Status verify_ledger(RestClient& rest, const Entry& entry, Loss& loss) const;

  const TestDrive& drive_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::size_t next_confirm_ = 0;
  std::atomic<std::size_t> refused_{0};
  std::string last_refusal_;
};

}  // namespace tapewarden::testing
