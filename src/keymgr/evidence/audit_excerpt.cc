#include "keymgr/evidence/audit_excerpt.h"

#include "audit/walk.h"
#include "base/base64.h"
#include "base/text.h"

namespace tapewarden::keymgr {
namespace {

namespace json = boost::json;

class Excerpt {
 public:
  Excerpt(const AuditSubject& subject, std::size_t limit) : limit_(limit) {
    volser_ = "\"VOLSER\":\"" + subject.volser + "\"";
    for (const auto& volume : subject.volumes) volumes_.push_back("\"volume\":\"" + volume.text() + "\"");
  }

  Status visit(const audit::Visited& visited) {
    last_ = {visited.line.number, visited.line.chain};
    if (visited.line.kind == audit::LineKind::kCheckpoint) return keep_checkpoint(visited);
    if (visited.line.kind != audit::LineKind::kRecord || !speaks_of_it(visited.line.body)) return {};
    if (lines_.size() == limit_) {
      return fail(ErrorCode::kExhausted,
                  "the audit has more than " + std::to_string(limit_) + " records of this cartridge",
                  "volser", "read them with GET /v1/audit");
    }
    lines_.push_back(json::object{{"before", to_hex(visited.before.chain)}, {"line", visited.text}});
    return {};
  }

  json::object take() {
    return {{"lines", std::move(lines_)},
            {"head", json::object{{"line", last_.line}, {"chain", to_hex(last_.chain)}}},
            {"checkpoint", std::move(checkpoint_)}};
  }

 private:
  // A volser is kept as the drive sent it, so its letters are compared without case.
  bool speaks_of_it(std::string_view body) const {
    for (const auto& volume : volumes_) {
      if (body.find(volume) != std::string_view::npos) return true;
    }
    return body.find("\"volser\":\"") != std::string_view::npos &&
           to_upper(body).find(volser_) != std::string::npos;
  }

  Status keep_checkpoint(const audit::Visited& visited) {
    const auto found = TRY(audit::parse_checkpoint(visited.line.body));
    checkpoint_ = json::object{{"line", visited.before.line},
                               {"chain", to_hex(visited.before.chain)},
                               {"commit", found.mark.sequence},
                               {"head", to_hex(found.mark.head)},
                               {"signature", to_base64(found.signature)}};
    return {};
  }

  const std::size_t limit_;
  std::string volser_;
  std::vector<std::string> volumes_;
  json::array lines_;
  json::value checkpoint_;
  audit::ChainPoint last_;
};

}  // namespace

Result<json::object> audit_excerpt(Disk& disk, const std::string& directory, const AuditSubject& subject,
                                   std::size_t limit) {
  Excerpt excerpt(subject, limit);
  const auto walk = TRY(audit::plan_walk(disk, directory));
  (void)TRY(audit::walk_lines(disk, directory, walk,
                              [&](const audit::Visited& visited) { return excerpt.visit(visited); }));
  return excerpt.take();
}

}  // namespace tapewarden::keymgr
