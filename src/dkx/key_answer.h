// The answer to a key request that was granted. Values.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dkx/types.h"
#include "eedk/data_key_identifier.h"
#include "eedk/eedk_set.h"
#include "eedk/sedk.h"

namespace tapewarden::dkx {

// The key of an identified-key cartridge: what the drive writes on it, and its name for people.
struct IdentifiedKey {
  eedk::DataKeyIdentifier identifier;
  std::string alias;
  friend bool operator==(const IdentifiedKey&, const IdentifiedKey&) = default;
};

// What the drive puts on the cartridge: nothing new for append and read by the wrapped-key method.
struct NothingToHold {
  friend bool operator==(const NothingToHold&, const NothingToHold&) = default;
};
using ToHold = std::variant<NothingToHold, eedk::EedkSet, IdentifiedKey>;

struct KeyAnswer {
  std::optional<eedk::Sedk> sedk;  // absent after rekey: the drive needs no key to hold new EEDKs
  ToHold to_hold;
  crypto::KeyCheckValue key_check{};  // crypto::key_check_value(data key, volume)
  std::vector<std::string> labels;    // up to 2: the labels that the EEDKs resolve to now, for people
  bool may_append = false;            // false: read only with this key
  LedgerReference ledger;
  std::optional<Nonce> next_nonce;  // instead of the one that the request used up
  friend bool operator==(const KeyAnswer&, const KeyAnswer&) = default;
};

// The answer to confirm.
struct ConfirmAnswer {
  LedgerReference ledger;  // the row, now in the state confirmed
  std::optional<Nonce> next_nonce;
  friend bool operator==(const ConfirmAnswer&, const ConfirmAnswer&) = default;
};

Bytes encode(const KeyAnswer& answer);
Bytes encode(const ConfirmAnswer& answer);
Result<KeyAnswer> read_key_answer(ttlv::Cursor in);
Result<ConfirmAnswer> read_confirm_answer(ttlv::Cursor in);

}  // namespace tapewarden::dkx
