#include "apps/open_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/resource.h>

#include "base/concat.h"

namespace tapewarden::apps {

Result<std::string> allow_open_files(const OpenFilesNeeded& needed) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return fail(ErrorCode::kIo, concat("the limit on open files cannot be read: ", std::strerror(errno)));
  }
  if (limit.rlim_max < needed.at_least) {
    return fail(ErrorCode::kExhausted,
                concat("this process may open ", limit.rlim_max, " files and connections at once, but needs ",
                       needed.at_least),
                needed.field,
                concat("raise the hard limit (LimitNOFILE=", needed.all, " in the unit, `ulimit -Hn ",
                       needed.all, "` in a shell), or ", needed.remedy));
  }
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, needed.all);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      return fail(ErrorCode::kIo, concat("the limit on open files cannot be raised: ", std::strerror(errno)));
    }
  }
  if (limit.rlim_max >= needed.all) return std::string();
  return concat("this process may open ", limit.rlim_max,
                " files and connections at once: raise the hard limit to ", needed.all,
                " (LimitNOFILE in the unit), or a flood of connections could keep out others");
}

}  // namespace tapewarden::apps
