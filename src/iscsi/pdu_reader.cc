#include "iscsi/pdu_reader.h"

#include "base/crc32c.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::iscsi {

MutableByteView PduReader::want() {
  switch (state_) {
    case State::kHeader:
      return head_;
    case State::kRest:
      return rest_;
    case State::kData:
      return data_;
    case State::kTail:
      break;
  }
  return MutableByteView(tail_).first(tail_bytes_);
}

Status PduReader::filled() {
  switch (state_) {
    case State::kHeader:
      header_ = Header(head_);
      if (header_.ahs_bytes() > 0 && !ahs_allowed_)
        return fail(ErrorCode::kInvalidArgument, "additional segments where none may be", "TotalAHSLength");
      rest_.resize(header_.ahs_bytes() + (digests_.header ? kDigestBytes : 0));
      if (rest_.empty()) return header_whole();
      state_ = State::kRest;
      return {};
    case State::kRest:
      return header_whole();
    case State::kData:
      return data_whole();
    case State::kTail:
      break;
  }
  const auto padding = padding_of(data_.size());
  if (!digests_.data) return pdu_whole(true);
  const auto tail = ByteView(tail_).first(tail_bytes_);
  const auto computed = crc32c(tail.first(padding), crc32c(data_));
  return pdu_whole(computed == digest_value(tail.subspan(padding)));
}

// RFC 7143 section 7.8: nothing of a header with a wrong digest can be believed, the lengths included.
Status PduReader::header_whole() {
  const auto ahs = ByteView(rest_).first(header_.ahs_bytes());
  if (digests_.header) {
    const auto computed = crc32c(ahs, crc32c(head_));
    if (computed != digest_value(ByteView(rest_).subspan(ahs.size())))
      return fail(ErrorCode::kInvalidArgument, "a header's digest is wrong", "HeaderDigest");
  }
  if (header_.data_bytes() > max_segment_)
    return fail(ErrorCode::kInvalidArgument, "a data segment is longer than what was declared",
                "DataSegmentLength");
  data_ = TRY(sink_.on_header(header_, ahs));
  const auto bytes = header_.data_bytes();
  if (bytes == 0) return pdu_whole(true);
  if (data_.empty()) {
    if (scratch_.size() < bytes) scratch_.resize(bytes);
    data_ = scratch_;
  }
  data_ = data_.first(bytes);
  state_ = State::kData;
  return {};
}

Status PduReader::data_whole() {
  tail_bytes_ = padding_of(data_.size()) + (digests_.data ? kDigestBytes : 0);
  if (tail_bytes_ == 0) return pdu_whole(true);
  state_ = State::kTail;
  return {};
}

Status PduReader::pdu_whole(bool digest_right) {
  state_ = State::kHeader;
  const auto data = header_.data_bytes() == 0 ? ByteView() : ByteView(data_);
  auto status = sink_.on_pdu(header_, ByteView(rest_).first(header_.ahs_bytes()), data, digest_right);
  // What was not wanted may have been a key all the same, or the answer to a challenge.
  if (!data.empty() && data.data() == scratch_.data()) crypto::wipe(data_);
  return status;
}

}  // namespace tapewarden::iscsi
