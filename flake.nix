{
  description = "Proves that a Kubernetes HorizontalPodAutoscaler does what it is configured to do";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      forAllSystems = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
    in
    {
      packages = forAllSystems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          default = pkgs.rustPlatform.buildRustPackage {
            pname = "hpa-check";
            inherit ((builtins.fromTOML (builtins.readFile ./Cargo.toml)).workspace.package) version;
            src = self;
            cargoLock.lockFile = ./Cargo.lock;
            cargoBuildFlags = [
              "--package=hpa-check"
              "--package=fib-loadgen"
              "--package=fib-server"
            ];
            nativeBuildInputs = [ pkgs.installShellFiles ];
            # They start servers and look at the machine's own processes.
            doCheck = false;
            postInstall = ''
              $out/bin/hpa-check man >hpa-check.1
              installManPage hpa-check.1
              installShellCompletion --cmd hpa-check \
                --bash <($out/bin/hpa-check completions bash) \
                --zsh <($out/bin/hpa-check completions zsh) \
                --fish <($out/bin/hpa-check completions fish)
            '';
            meta = {
              description = "Proves that a Kubernetes HorizontalPodAutoscaler does what it is configured to do";
              mainProgram = "hpa-check";
              license = with nixpkgs.lib.licenses; [
                mit
                asl20
                lgpl3Only
              ];
            };
          };
        }
      );
    };
}
