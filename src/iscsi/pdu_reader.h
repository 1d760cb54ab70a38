// Cuts the bytes of a connection into PDUs: says what comes next and where it goes, so that a data segment is
// read straight into the buffer of its command; checks lengths and digests. One thread at a time.
//
//   kHeader ──► kRest (additional segments, header digest) ──► kData ──► kTail (padding, data digest) ──►
//   kHeader
//
// States without bytes are left out. After an error nothing more may be read.
#pragma once

#include "iscsi/pdu.h"

namespace tapewarden::iscsi {

class PduSink {
 public:
  virtual ~PduSink() = default;
  // Header and additional segments are here and right. Gives the place for header.data_bytes() bytes, which
  // lives until on_pdu(); an empty one leaves them to the reader. An error ends the connection.
  virtual Result<MutableByteView> on_header(const Header& header, ByteView ahs) = 0;
  // The PDU is whole. `digest_right` is true without a data digest.
  virtual Status on_pdu(const Header& header, ByteView ahs, ByteView data, bool digest_right) = 0;
};

class PduReader {
 public:
  // `sink` must outlive this.
  explicit PduReader(PduSink& sink) : sink_(sink) {}

  // What to fill next; never empty. Valid until filled().
  MutableByteView want();
  // All of want() is filled.
  Status filled();
  // Between PDUs.
  bool idle() const { return state_ == State::kHeader; }

  // From the next PDU on.
  void set_digests(Digests digests) { digests_ = digests; }
  void set_max_segment(std::size_t bytes) { max_segment_ = bytes; }
  // Fresh: no additional segments, as in the login (section 11.12: TotalAHSLength is 0).
  void allow_ahs() { ahs_allowed_ = true; }

 private:
  enum class State : std::uint8_t { kHeader, kRest, kData, kTail };
  Status header_whole();
  Status data_whole();
  Status pdu_whole(bool digest_right);

  PduSink& sink_;
  State state_ = State::kHeader;
  Digests digests_{};
  std::size_t max_segment_ = 8192;  // until another one is declared (RFC 7143 section 13.12)
  bool ahs_allowed_ = false;
  std::array<std::uint8_t, kHeaderBytes> head_{};
  Header header_;
  Bytes rest_;     // additional segments, then the header digest
  Bytes scratch_;  // for data without a place of its own
  MutableByteView data_{};
  std::array<std::uint8_t, 3 + kDigestBytes> tail_{};
  std::size_t tail_bytes_ = 0;
};

}  // namespace tapewarden::iscsi
