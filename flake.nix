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
              mkdir pages
              $out/bin/hpa-check man --to pages
              $out/bin/fib-loadgen man --to pages
              $out/bin/fib-server man >pages/fib-server.1
              installManPage pages/*.1
              for program in hpa-check fib-loadgen fib-server; do
                installShellCompletion --cmd $program \
                  --bash <($out/bin/$program completions bash) \
                  --zsh <($out/bin/$program completions zsh) \
                  --fish <($out/bin/$program completions fish)
              done
              $out/bin/hpa-check completions kubectl >kubectl_complete-hpa_check
              install -m 755 kubectl_complete-hpa_check $out/bin/
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
