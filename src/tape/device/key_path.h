// A system- or library-managed drive's own side of the key exchange: what it asks for, and what it takes.
// The pages by which this is carried are in docs/formats/key-path-pages.md. Not thread-safe; belongs to one
// drive.
//
// Invariants
//  1. A data key is taken only from an answer that a trusted server signed for exactly the request that the
//     drive signed, that the drive's own wrapping key opened, and whose key check value fits the key and,
//     for data that is there already, the cartridge.
//  2. A key given for reading never writes; a key given for data that is there never begins a tape; a new key
//     never reads or extends old data before it has begun the tape itself.
//  3. No key outlives the mount: unload() and reset() drop it. What is left for confirmations is no secret
//     and stays until they are made: whose key was written, and on which cartridge.
//  4. A request keeps its id until it is answered, refused or dropped, however often the host asks again.
//  5. A refusal is told once, to the next command that needs the key; that of new EEDKs to the carrier alone.
//  6. A confirmation that was refused waits behind those that were not. What is refused for good three
//     times is given up, and told to the drive's owner.
//
//  7. New EEDKs are taken only for the data key that the cartridge has, by its key check value. What was
//     given under the old ones is dropped with them, so that the next key comes by the new ones.
//
//   Idle --need()--> Requested --challenge()--> Challenged --answer()--> Keyed
//   Requested | Challenged --refuse()--> Refused --need()--> Idle
//   Keyed --need(more than it may)--> Requested;  any --unload()--> Idle
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scsi/key_path_pages.h"
#include "tape/device/drive_identity.h"
#include "tape/medium/data_key.h"

namespace tapewarden::tape {

class KeyPath {
 public:
  // `exchange` may be nullptr: then no challenge can be taken (05/2C/00). Both outlive this.
  // `partition`: of the library, that the drive works for, as its requests say; may be empty.
  KeyPath(const DriveIdentity& identity, DriveExchange* exchange, Random& random, KeyMethod method,
          std::string partition = {})
      : identity_(identity),
        exchange_(exchange),
        random_(random),
        method_(method),
        partition_(std::move(partition)) {}

  // For the host's command. REQUIRES: intent is a write, append or read.
  // The key, or 07/EF/11, 07/EF/13, or the refusal's sense.
  scsi::Outcome<DataKeyHandle> need(scsi::KeyIntent intent);

  // For the carrier: new EEDKs of the cartridge's data key, for these labels. A request under way gives way.
  // REQUIRES: `cartridge` holds EEDKs.
  void ask_for_rekey(scsi::RekeyPage page);
  // New EEDKs that an answer brought, once: the caller puts them on the cartridge, and says so.
  std::optional<KeyInfo> take_new_info();
  void rekeyed(const CartridgeFacts& cartridge);

  // What the next write from the beginning puts on the cartridge. REQUIRES: need(kWriteFromBeginning) gave a
  // key.
  const KeyInfo& info_to_hold() const { return grant_->info; }
  // The key by which records may be read now: empty without one.
  DataKeyHandle read_key() const;
  // The drive has begun this tape with the key; and that is on stable storage.
  void wrote_from_beginning(const CartridgeFacts& cartridge);
  void synced();
  // The key server is to be told of a write.
  bool confirmation_due() const { return next_due() != due_.end(); }
  std::string cartridge_to_confirm() const;
  // Whether those that were refused are due too: at first they are.
  void show_refused_confirmations(bool shown) { refused_shown_ = shown; }
  // The volsers of those given up since the last call.
  std::vector<std::string> take_given_up() { return std::exchange(given_up_, {}); }

  const scsi::WritePolicyPage& policy() const { return policy_; }
  // A new key that was given under another policy is dropped.
  void set_policy(scsi::WritePolicyPage policy);

  // For the carrier. `cartridge` is the one loaded.
  scsi::KeyRequestPage request_page(const CartridgeFacts* cartridge) const;
  scsi::Outcome<void> challenge(const scsi::ChallengePage& page, const CartridgeFacts* cartridge);
  scsi::Outcome<scsi::ExchangeMessagePage> signed_request() const;
  scsi::Outcome<void> answer(const scsi::ExchangeMessagePage& page, const CartridgeFacts* cartridge);
  scsi::Outcome<void> refuse(const scsi::RefusalPage& page);
  scsi::KeyPathStatusPage status_page() const;

  void unload(const scsi::WritePolicyPage& default_policy);
  void reset(const scsi::WritePolicyPage& default_policy);
  void power_on(const scsi::WritePolicyPage& default_policy);

 private:
  struct Request {
    scsi::KeyIntent intent = scsi::KeyIntent::kNone;
    Uuid id{};
    scsi::WritePolicyPage policy{};
  };
  struct Exchange {  // one challenge and the request signed for it
    KeyAsk ask{};
    ServerChallenge challenge{};
    Bytes signed_request{};
  };
  struct Grant {
    DataKeyHandle key{};
    KeyInfo info{};
    bool may_write = false;
    bool is_new = false;  // for a write from the beginning
    bool began = false;   // which has happened
    Uuid request{};
    Bytes receipt{};
  };
  struct Confirmation {
    Uuid request{};
    Bytes receipt{};
    CartridgeFacts cartridge{};  // that was written, without what it holds
    unsigned refusals = 0;
  };

  struct NewInfo {  // EEDKs that the cartridge is to have
    KeyInfo info{};
    Uuid request{};
    Bytes receipt{};
    bool taken = false;
  };

  bool grant_allows(scsi::KeyIntent intent) const;
  scsi::Outcome<KeyAsk> ask_for(const scsi::ChallengePage& page) const;
  scsi::Outcome<void> take(KeyGrant grant, const CartridgeFacts& cartridge);
  scsi::Outcome<void> take_eedks(KeyGrant grant, const CartridgeFacts& cartridge);
  void remember(Confirmation confirmation);
  using Due = std::deque<Confirmation>;
  Due::const_iterator next_due() const;
  Due::const_iterator find_due(const Uuid& request) const;
  bool postpone_confirmation(const scsi::RefusalPage& page);
  void give_up(Due::const_iterator confirmation);
  void drop();

  const DriveIdentity& identity_;
  DriveExchange* exchange_;
  Random& random_;
  KeyMethod method_;
  const std::string partition_;
  scsi::WritePolicyPage policy_{};
  std::optional<Request> request_;
  std::optional<Exchange> exchange_under_way_;
  std::optional<Grant> grant_;
  std::optional<scsi::RefusalPage> refusal_;
  std::optional<Confirmation> begun_;  // not on stable storage yet
  std::optional<NewInfo> new_info_;
  Due due_;  // those that were not refused in their order, then the others in theirs
  std::vector<std::string> given_up_;
  bool refused_shown_ = true;
  std::uint16_t last_ekm_code_ = 0;
};

}  // namespace tapewarden::tape
