#include "dkx/drive.h"

#include "dkx/fields.h"
#include "dkx/limits.h"
#include "dkx/tags.h"

namespace tapewarden::dkx {

namespace {

void write(ttlv::Writer& out, const Enrolment& enrolment) {
  out.begin(kTagEnrolment).add_bytes(kTagCertificate, enrolment.certificate);
  out.add_bytes(kTagWrappingKey, enrolment.wrapping_key);
  out.add_bytes(kTagWrappingKeySignature, enrolment.wrapping_key_signature).end();
}

Result<Enrolment> read_enrolment(ttlv::Cursor in) {
  Enrolment out;
  out.certificate = TRY(read_filled_bytes(in, kTagCertificate, kMaxCertificateBytes));
  out.wrapping_key = TRY(read_filled_bytes(in, kTagWrappingKey, kMaxPublicKeyBytes));
  out.wrapping_key_signature = TRY(read_filled_bytes(in, kTagWrappingKeySignature, kMaxSignatureBytes));
  TRY(in.finish());
  return out;
}

}  // namespace

void write(ttlv::Writer& out, const Drive& drive) {
  out.begin(kTagDrive).add_text(kTagDriveSerial, drive.serial);
  if (drive.wwnn) out.add_bytes(kTagDriveWwnn, *drive.wwnn);
  out.add_enumeration(kTagDriveKind, drive.kind).add_bytes(kTagWrappingKeyHash, drive.wrapping_key);
  if (drive.enrolment) write(out, *drive.enrolment);
  out.end();
}

Result<Drive> read_drive(ttlv::Cursor& outer) {
  auto in = TRY(outer.structure(kTagDrive));
  Drive out;
  out.serial = TRY(read_printable(in, kTagDriveSerial, 1, kMaxSerialBytes));
  if (in.next_is(kTagDriveWwnn)) out.wwnn = TRY(in.array<8>(kTagDriveWwnn));
  out.kind = TRY(in.enumeration(kTagDriveKind, DriveKind::kLto, DriveKind::k3592));
  out.wrapping_key = TRY(in.array<32>(kTagWrappingKeyHash));
  if (in.next_is(kTagEnrolment)) out.enrolment = TRY(read_enrolment(TRY(in.structure(kTagEnrolment))));
  TRY(in.finish());
  return out;
}

}  // namespace tapewarden::dkx
