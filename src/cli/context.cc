#include "cli/context.h"

namespace tapewarden::cli {

Result<crypto::SecretBytes> read_secret_file(Disk& disk, const std::string& path) {
  Bytes content = TRY(read_file(disk, path, kSecretFileLimit));
  std::size_t size = content.size();
  while (size > 0 && (content[size - 1] == '\n' || content[size - 1] == '\r')) --size;
  auto secret = crypto::SecretBytes::copy_of(ByteView(content).first(size));
  crypto::wipe(content);
  if (secret.empty()) {
    return fail(ErrorCode::kInvalidArgument, path + " is empty", "file",
                "put the secret into its first line");
  }
  return secret;
}

}  // namespace tapewarden::cli
