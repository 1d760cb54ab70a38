#include "keymgr/sharing/warnings.h"

#include "base/text.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/own_certificate.h"
#include "keymgr/sharing/partners.h"
#include "keymgr/sharing/transfers.h"

namespace tapewarden::keymgr::sharing {
namespace {

// Empty: not soon.
Result<std::string> end_of(ByteView certificate, WallTime now) {
  const WallTime end = TRY(crypto::Certificate::from_der(certificate)).not_after();
  if (end - now >= kExpiryNotice) return std::string();
  return (end < now ? " expired on " : " expires on ") + format_utc(end).substr(0, 10);
}

Status add_own(store::Reader& reader, WallTime now, std::vector<std::string>& out) {
  const auto all = TRY(own_certificates(reader));
  if (all.empty()) return {};
  const std::string end = TRY(end_of(all.front().certificate, now));
  if (end.empty()) return {};
  out.push_back("this site's certificate for sharing" + end +
                ": renew it and send it to the partners (tapewarden partner certificate --renew)");
  return {};
}

Status add_partners(store::Reader& reader, WallTime now, std::vector<std::string>& out) {
  for (const auto& partner : TRY(list_partners(reader))) {
    const std::string end = TRY(end_of(partner.certificate, now));
    if (end.empty()) continue;
    out.push_back("the certificate of the partner " + partner.display + end +
                  ": get a new one from the partner");
  }
  return {};
}

Status add_cut_off(store::Reader& reader, std::vector<std::string>& out) {
  for (const auto& transfer : TRY(list_transfers(reader))) {
    if (transfer.ended != kNever) continue;
    out.push_back("the import of a file of " + transfer.partner + ", made " + format_utc(transfer.made) +
                  ", was cut off or is under way: when it is not, import the file again");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> warnings(KeyManager& manager) {
  std::vector<std::string> out;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    const WallTime now = manager.context().now();
    TRY(add_own(reader, now, out));
    TRY(add_partners(reader, now, out));
    return add_cut_off(reader, out);
  }));
  return out;
}

}  // namespace tapewarden::keymgr::sharing
