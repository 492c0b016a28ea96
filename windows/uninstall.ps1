#Requires -Version 5.1
#Requires -RunAsAdministrator
<#
.SYNOPSIS
Removes ec2-backup from an instance. The configuration and the state stay, and so do all snapshots.

.PARAMETER Purge
Removes the configuration and the state in %ProgramData%\ec2-backup as well. Snapshots still stay.

.EXAMPLE
.\uninstall.ps1 -WhatIf
Shows what would be removed, and removes nothing.
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [switch] $Purge
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$taskName = 'ec2-backup-run'
$sourceName = 'ec2-backup'
$program = Join-Path $env:ProgramFiles 'ec2-backup'
$data = Join-Path $env:ProgramData 'ec2-backup'

function Unregister-DailyTask {
    $task = Get-ScheduledTask -TaskName $taskName -ErrorAction SilentlyContinue
    if ($null -eq $task) {
        Write-Output "task: there is none of the name $taskName"
        return
    }
    if ($task.State -eq 'Running') {
        throw "A backup is running. Wait for it to end, then start this again."
    }
    if (-not $PSCmdlet.ShouldProcess($taskName, 'remove the task')) { return }
    Unregister-ScheduledTask -TaskName $taskName -Confirm:$false
    Write-Output "task: $taskName is removed"
}

function Unregister-EventSource {
    $key = "HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\$sourceName"
    if (-not (Test-Path -LiteralPath $key)) {
        Write-Output "event log: there is no source $sourceName"
        return
    }
    if (-not $PSCmdlet.ShouldProcess($sourceName, 'remove the source of the Application event log')) { return }
    Remove-Item -LiteralPath $key -Recurse -Force
    Write-Output "event log: the source $sourceName is removed; its old events stay"
}

function Remove-Ours([string] $Folder, [string] $Mark, [string] $What) {
    if (-not (Test-Path -LiteralPath $Folder)) {
        Write-Output "${What}: $Folder is not there"
        return
    }
    $item = Get-Item -LiteralPath $Folder -Force
    if ($item.Attributes -band [System.IO.FileAttributes]::ReparsePoint) {
        throw "$Folder is a link to another place and is left alone."
    }
    # A folder of the same name that holds nothing of ours is not ours to remove.
    if (-not (Test-Path -LiteralPath (Join-Path $Folder $Mark))) {
        throw "$Folder holds no $Mark, so it is not ours and is left alone."
    }
    if (-not $PSCmdlet.ShouldProcess($Folder, "remove the $What")) { return }
    Remove-Item -LiteralPath $Folder -Recurse -Force
    Write-Output "${What}: $Folder is removed"
}

Unregister-DailyTask
Unregister-EventSource
Remove-Ours -Folder $program -Mark 'dist\ec2-backup.js' -What 'program'
if ($Purge) {
    Remove-Ours -Folder $data -Mark 'config.yaml' -What 'data'
}
elseif (Test-Path -LiteralPath $data) {
    Write-Output "data: $data stays (configuration and state); -Purge removes it"
}
