// A drive's question and the answer, free of any wire form: dkx/server and kmip/server make the one and send
// the other. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/key_check.h"
#include "eedk/data_key_identifier.h"
#include "eedk/eedk_set.h"
#include "eedk/sedk.h"
#include "keymgr/rows.h"

namespace tapewarden::keymgr {

enum class Intent : std::uint8_t {
  kWrite = 1,    // from the beginning of tape: a key for a new cartridge
  kAppend = 2,   // the tape's own key, to write on
  kRead = 3,     // the tape's own key, to read
  kRekey = 4,    // new EEDKs for what the cartridge holds; the data stays
  kConfirm = 5,  // the drive has written with the key of the named exchange
};
std::string_view to_string(Intent intent);

// Who asks. The protocol server has checked the request's signature, nonce and channel; what the key server
// pins and permits is decided here.
struct Caller {
  std::string serial;  // as sent: ten digits or twelve characters
  std::string wwnn;    // 16 hex digits or empty
  DriveKind kind = DriveKind::kLto;
  crypto::Certificate
      identity;  // the drive's own certificate, whose key signed the request; empty: it has none
  bool certificate_expired = false;
  Bytes wrapping_spki;  // the key that SEDKs shall be wrapped to; empty when the request did not carry it
  // The identity key signed the wrapping key, and the protocol server checked that.
  bool wrapping_vouched = false;
  std::optional<Hash256> proxy;  // fingerprint of the certificate of the proxy that asserts the serial
  std::string proxy_name;
  // Fingerprint of the certificate at the other end of the connection, whoever signed the request.
  std::optional<Hash256> relay;
  // The library partition or pool that the drive works for, as the request says; or empty.
  std::string partition;
};

struct LedgerReference {
  Uuid server;
  std::int64_t sequence = 0;
  bool operator==(const LedgerReference&) const = default;
};

struct KeyRequest {
  Intent intent = Intent::kRead;
  Caller caller;
  Uuid request_id;  // of the exchange; a retry repeats it
  std::string volser;
  Uuid volume;
  // What the cartridge holds (append, read, rekey).
  std::optional<eedk::DataKeyIdentifier> dki;
  std::optional<eedk::EedkSet> eedks;
  // What is asked for (write, rekey); all may be left out.
  std::optional<Method> method;     // absent: as the labels or alias below say, else as the drive's kind says
  std::vector<LabelChoice> labels;  // one or two
  std::string alias;
  std::string group;
  // SHA-256 of the wrapping key's SPKI: must be the pinned one's.
  Hash256 wrapping_key_hash{};
  // kConfirm: the exchange that is confirmed.
  LedgerReference confirms;
};

struct KeyAnswer {
  Method method = Method::kIdentifiedKey;
  std::optional<eedk::Sedk> sedk;  // absent for confirm and rekey
  std::optional<eedk::EedkSet> eedks;
  std::optional<eedk::DataKeyIdentifier> dki;
  std::string alias;
  crypto::KeyCheckValue key_check{};
  std::vector<LabelChoice> labels;  // as this server knows the KEKs: a hash is resolved to its label
  bool may_append = false;
  LedgerReference ledger;
};

// What check_labels() finds for one label or group.
struct NameStatus {
  std::string name;
  bool known = false;
  // A write with it alone would be served now. A label with the public half alone (K6) is so also beside one
  // that is asked for with it and can be read back.
  bool writable = false;
  // Not yet, and it goes on by itself: its key is in no backup yet, is not at the peer yet, or is about to be
  // made. A write with it waits meanwhile.
  bool waits = false;
  bool public_only = false;   // its private half is held elsewhere
  bool held_by_peer = false;  // true without a peer
  bool conflict = false;      // one label, several certificates
  std::string problem;        // empty when writable; else one sentence with the remedy
  std::string note;           // of one that is writable or waits: what to know of it; mostly empty
};

}  // namespace tapewarden::keymgr
