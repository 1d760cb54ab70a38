// The command line for people.
#include "cli/run.h"

int main(int argc, char** argv) {
  return tapewarden::cli::run(argc, argv);
}
